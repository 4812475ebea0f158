import { TuneError } from '../errors.ts'
import { isActive, levelCentre, type Dim, type Point } from '../space.ts'
import type { Trial } from '../trial.ts'
import { isRepeat } from './points.ts'
import type { Sampler } from './sampler.ts'

interface GridOptions {
  /** Values of a continuous parameter, evenly spaced from end to end. Default 5. */
  readonly levels?: number
  /** Trials of each combination, every one with a seed of its own: what differs between them is chance. Default 1. */
  readonly repeats?: number
}

/**
 * Tries every combination once, the last parameter changing fastest, then all of them again for each repeat, and ends
 * when all that are allowed have been tried: the trials that there are, the baseline among them, count. A parameter that is switched off is
 * not varied.
 */
export function grid({ levels = 5, repeats = 1 }: GridOptions = {}): Sampler {
  return {
    name: 'grid',
    repeats: repeats > 1,
    suggest({ dims, trials, allows }) {
      for (let times = 0; times < repeats; times++) {
        const reason =
          times === 0 ? 'the first combination that was not tried' : `the first that was tried ${times} times`
        let refused = 0
        for (const point of combinations(dims, levels)) {
          refused = !allows || allows(point) ? 0 : refused + 1
          if (refused === 0 && timesTried(dims, point, trials) === times) return { point, reason }
          if (refused === MOST_REFUSED) throw tooManyRefused()
        }
      }
      return undefined
    },
  }
}

/** Combinations in a row that a study may refuse. */
const MOST_REFUSED = 100_000

function tooManyRefused(): TuneError {
  return new TuneError(
    'study/invalid',
    `grid(): ${MOST_REFUSED} combinations in a row are none that the study allows`,
    {
      hint: 'loosen its where, or draw from what it allows: sampler: sobol()',
    },
  )
}

/** All points of the grid; NaN where a condition switches a dimension off. */
function* combinations(dims: readonly Dim[], levels: number): Generator<Point> {
  const point: number[] = []
  function* from(d: number): Generator<Point> {
    const dim = dims[d]
    if (!dim) return yield [...point]
    point[d] = Number.NaN
    if (!isActive(dims, point, d)) return yield* from(d + 1)
    const count = Number.isFinite(dim.levels) ? dim.levels : levels
    for (let level = 0; level < count; level++) {
      point[d] = Number.isFinite(dim.levels) ? levelCentre(level, count) : count === 1 ? 0.5 : level / (count - 1)
      yield* from(d + 1)
    }
  }
  yield* from(0)
}

function timesTried(dims: readonly Dim[], point: Point, trials: readonly Trial[]): number {
  // A continuous coordinate comes back from its value, rounded.
  const isNear = (trial: Trial) => point.every((x, d) => isSame(x, trial.point[d] ?? Number.NaN))
  return trials.filter((trial) => isRepeat(dims, point, [trial]) || isNear(trial)).length
}

function isSame(a: number, b: number): boolean {
  return (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) < 1e-9
}
