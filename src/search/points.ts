import { movedWithin, placing } from '../half_spaces.ts'
import type { Rng } from '../rng.ts'
import { isActive, levelAt, type Dim, type Point } from '../space.ts'
import type { History, Trial } from '../trial.ts'

/** Draws of which one should be allowed; where none is, whoever asked has to find out. */
const DRAWS = 1000
/** Draws before what lies outside is moved to the edge of what is allowed, where too many would come to lie otherwise. */
const DRAWS_AS_THEY_ARE = 16
/** Draws of which one is taken, so that each place is as likely as any other. */
const DRAWS_ALIKE = 32

/** The first drawn point that the study allows, without the coordinates that are switched off. */
export function drawAllowed(history: History, draw: (attempt: number) => Point, most = DRAWS): Point {
  const { dims, allows } = history
  for (let attempt = 0; ; attempt++) {
    const drawn = draw(attempt)
    const point = attempt < DRAWS_AS_THEY_ARE ? withoutInactive(dims, drawn) : broughtWithin(history, drawn)
    if (!allows || allows(point) || attempt + 1 === most) return point
  }
}

/** The same for draws from the whole cube: they are spread over what is allowed as evenly as they are over the cube. */
export function drawAnywhere(history: History, draw: (attempt: number) => Point, rng: Rng): Point {
  const { dims, allows = () => true, within } = history
  if (!within) return drawAllowed(history, draw)
  const place = placing(within)
  const drawn: { readonly point: Point; readonly room: number }[] = []
  for (let attempt = 0; attempt < DRAWS && drawn.length < DRAWS_ALIKE; attempt++) {
    const { point, room } = place(draw(attempt))
    const candidate = withoutInactive(dims, point)
    if (room > 0 && allows(candidate)) drawn.push({ point: candidate, room })
  }
  // By sampling-importance resampling (Rubin 1987): what had the more room was drawn the less often for it.
  let left = rng.uniform() * drawn.reduce((sum, { room }) => sum + room, 0)
  const chosen = drawn.find(({ room }) => (left -= room) < 0) ?? drawn.at(-1)
  return chosen?.point ?? broughtWithin(history, draw(0))
}

/** A point moved to where the weighted sums of the study hold, without the coordinates that are switched off. */
export function broughtWithin({ dims, within }: History, point: Point): Point {
  return withoutInactive(dims, within ? movedWithin(within, point) : point)
}

/** The point with NaN for each coordinate that its condition switches off. */
export function withoutInactive(dims: readonly Dim[], point: Point): Point {
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
