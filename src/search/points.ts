import { movedWithin, placing, type Placed } from '../half_spaces.ts'
import type { Rng } from '../rng.ts'
import { isActive, levelAt, type Dim, type Point } from '../space.ts'
import type { History, Trial } from '../trial.ts'

/** Draws from the whole space of which one should be allowed; where none is, whoever asked has to find out. */
const DRAWS = 1000
/** Draws from where a sampler has come to, before it looks elsewhere. */
const DRAWS_NEARBY = 64
/** Draws that are left where they are; later ones that lie outside are moved to the edge of what is allowed. */
const DRAWS_UNMOVED = 16
/** Draws of which one is taken, so that each place is as likely as any other. */
const DRAWS_ALIKE = 32

/** The first drawn point that the study allows, or one from anywhere else; without the coordinates that are switched off. */
export function drawAllowed(history: History, draw: (attempt: number) => Point, rng: Rng): Point {
  return drawNearby(history, draw) ?? drawAnywhere(history, () => history.dims.map(() => rng.uniform()), rng)
}

/** The first drawn point that the study allows; undefined where none of some is. */
export function drawNearby(history: History, draw: (attempt: number) => Point): Point | undefined {
  const { dims, allows } = history
  for (let attempt = 0; attempt < DRAWS_NEARBY; attempt++) {
    const drawn = draw(attempt)
    const point = attempt < DRAWS_UNMOVED ? withoutInactive(dims, drawn) : broughtWithin(history, drawn)
    if (!allows || allows(point)) return point
  }
  return undefined
}

/**
 * A point that the study allows from draws of the whole cube, over which it is spread as they are. One that is not allowed
 * where none of many is.
 */
export function drawAnywhere(history: History, draw: (attempt: number) => Point, rng: Rng): Point {
  const { dims, allows = () => true, within } = history
  const place = within && placing(within)
  const drawn: Placed[] = []
  for (let attempt = 0; attempt < DRAWS && drawn.length < (place ? DRAWS_ALIKE : 1); attempt++) {
    const { point, room } = place ? place(draw(attempt)) : { point: draw(attempt), room: 1 }
    const candidate = withoutInactive(dims, point)
    if (room > 0 && allows(candidate)) drawn.push({ point: candidate, room })
  }
  if (drawn.length <= 1) return drawn[0]?.point ?? broughtWithin(history, draw(0))
  // By sampling-importance resampling (Rubin 1987): where there was more room, a place was drawn the less often for it.
  let left = rng.uniform() * drawn.reduce((sum, { room }) => sum + room, 0)
  return (drawn.find(({ room }) => (left -= room) < 0) ?? drawn.at(-1)!).point
}

/** A point moved to where the weighted sums of the study hold, without the coordinates that are switched off. */
export function broughtWithin({ dims, within }: History, point: Point): Point {
  return withoutInactive(dims, within ? movedWithin(within, point) : point)
}

/** The point with NaN for each coordinate that its condition switches off. */
function withoutInactive(dims: readonly Dim[], point: Point): Point {
  return point.map((x, d) => (isActive(dims, point, d) ? x : Number.NaN))
}

/** True for a point that some trial has, or will have, tried already. Never where a continuous dimension is active. */
export function isRepeat(dims: readonly Dim[], point: Point, trials: readonly Trial[]): boolean {
  const levels = point.map((x, d) => levelIn(dims, d, x))
  if (levels.includes(Infinity)) return false
  return trials.some((trial) => levels.every((level, d) => Object.is(level, levelIn(dims, d, trial.point[d]))))
}

/** The level of a coordinate: NaN where it is switched off, Infinity on a continuous dimension. */
function levelIn(dims: readonly Dim[], d: number, x = Number.NaN): number {
  const levels = dims[d]?.levels ?? Infinity
  return Number.isFinite(levels) || Number.isNaN(x) ? levelAt(x, levels) : Infinity
}
