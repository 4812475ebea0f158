import type { Rng } from '../rng.ts'
import type { Part } from './shape_canvas.ts'
import { box, disc, ring, star } from './shape_outlines.ts'
import { between, shaded } from './shape_textures.ts'

/** One or more parts that are one segment. */
export interface Thing {
  readonly name: ThingName
  readonly isCrowd: boolean
  readonly parts: readonly Part[]
}

/** Two to five things, the later in front; sometimes a crowd behind them, sometimes a beam that cuts one in two. */
export function placeThings(unit: number, rng: Rng): readonly Thing[] {
  const things: Thing[] = []
  const taken: { x: number; y: number; radius: number }[] = []
  if (rng.uniform() < 0.12) things.push(placeCrowd(unit, rng))
  const count = 2 + rng.below(4)
  for (let i = 0; i < count; i++) {
    const name = pickThing(rng)
    const radius = 6 * (13 / 6) ** rng.uniform()
    const { x, y } = findPlace(taken, radius, rng)
    taken.push({ x, y, radius })
    things.push({ name, isCrowd: false, parts: [makePart(name, { x, y, radius, unit }, rng)] })
  }
  const cut = taken.find(({ radius }) => radius > 9)
  if (cut && rng.uniform() < 0.2) {
    const beam = {
      ...makePart('box', { ...cut, radius: 3, unit }, rng),
      outline: box(17 * unit, 2 * unit),
      reach: 18 * unit,
    }
    things.push({ name: 'box', isCrowd: false, parts: [beam] })
  }
  return things
}

/** Many small things of one class that nobody would label one by one. */
function placeCrowd(unit: number, rng: Rng): Thing {
  const name = (['disc', 'box', 'triangle'] as const)[rng.below(3)] ?? 'disc'
  const [x, y] = [between(rng, 12, 52), between(rng, 12, 52)]
  const parts = Array.from({ length: 7 + rng.below(5) }, () => {
    return makePart(
      name,
      { x: x + 6 * rng.normal(), y: y + 4 * rng.normal(), radius: between(rng, 2.5, 3.5), unit },
      rng,
    )
  })
  return { name, isCrowd: true, parts }
}

/** A place where a thing covers others only in part, if a few tries find one. */
function findPlace(taken: readonly { x: number; y: number; radius: number }[], radius: number, rng: Rng) {
  const tries = Array.from({ length: 12 }, () => ({ x: between(rng, 3, 61), y: between(rng, 3, 61) }))
  const isFree = ({ x, y }: { x: number; y: number }) =>
    taken.every((other) => Math.hypot(other.x - x, other.y - y) > 0.75 * (other.radius + radius))
  return tries.find(isFree) ?? tries[0]!
}

function makePart(name: ThingName, at: { x: number; y: number; radius: number; unit: number }, rng: Rng): Part {
  const { unit } = at
  const radius = at.radius * unit
  const { hue, outline } = THINGS[name]
  const itsHue = rng.uniform() < 0.15 ? rng.uniform() : hue + 0.06 * rng.normal()
  return {
    outline: outline(radius, rng),
    texture: shaded(itsHue, radius, rng),
    x: at.x * unit,
    y: at.y * unit,
    angle: 2 * Math.PI * rng.uniform(),
    reach: 1.3 * radius + 1,
  }
}

const THING_NAMES = ['disc', 'box', 'triangle', 'ring', 'star'] as const
type ThingName = (typeof THING_NAMES)[number]

/** How the things look. `share` is how often a class is drawn, `hue` what it mostly is; stars are rare. */
const THINGS = {
  disc: { share: 0.27, hue: 0, outline: (radius: number) => disc(radius) },
  box: { share: 0.27, hue: 0.62, outline: (r: number, rng: Rng) => box(0.95 * r, r * between(rng, 0.5, 0.95)) },
  triangle: { share: 0.23, hue: 0.14, outline: (radius: number) => star(3, 1.3 * radius, 0.5) },
  ring: { share: 0.17, hue: 0.83, outline: (radius: number) => ring(1.1 * radius) },
  star: { share: 0.06, hue: 0.47, outline: (radius: number) => star(5, 1.3 * radius, 0.45) },
}

function pickThing(rng: Rng): ThingName {
  let left = rng.uniform()
  for (const name of THING_NAMES) {
    left -= THINGS[name].share
    if (left < 0) return name
  }
  return 'disc'
}
