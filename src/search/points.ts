import { isActive, levelAt, type Dim, type Point } from '../space.ts'
import type { History, Trial } from '../trial.ts'

/** Draws of which one should be allowed; where none is, whoever asked has to find out. */
const DRAWS = 1000

/** The first drawn point that the study allows, without the coordinates that are switched off. */
export function drawAllowed({ dims, allows }: History, draw: (attempt: number) => Point): Point {
  for (let attempt = 0; ; attempt++) {
    const point = withoutInactive(dims, draw(attempt))
    if (!allows || allows(point) || attempt + 1 === DRAWS) return point
  }
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
