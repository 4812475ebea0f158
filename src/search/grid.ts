import { TuneError } from '../errors.ts'
import { isActive, levelAt, levelCentre, type Dim, type Point } from '../space.ts'
import type { Trial } from '../trial.ts'
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
      const tried = timesTried(dims, levels, trials)
      for (let times = 0; times < repeats; times++) {
        const reason =
          times === 0 ? 'the first combination that was not tried' : `the first that was tried ${times} times`
        let refused = 0
        for (const point of combinations(dims, levels)) {
          refused = !allows || allows(point) ? 0 : refused + 1
          if (refused === 0 && (tried.get(keyOf(dims, levels, point)) ?? 0) === times) return { point, reason }
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
    for (let place = 0; place < placesOf(dim, levels); place++) {
      point[d] = coordinateAt(dim, levels, place)
      yield* from(d + 1)
    }
  }
  yield* from(0)
}

function placesOf(dim: Dim, levels: number): number {
  return Number.isFinite(dim.levels) ? dim.levels : levels
}

function coordinateAt(dim: Dim, levels: number, place: number): number {
  if (Number.isFinite(dim.levels)) return levelCentre(place, dim.levels)
  return levels === 1 ? 0.5 : place / (levels - 1)
}

/** How often each point of the grid was tried, by its key. */
function timesTried(dims: readonly Dim[], levels: number, trials: readonly Trial[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>()
  for (const { point } of trials) {
    const key = keyOf(dims, levels, point)
    times.set(key, (times.get(key) ?? 0) + 1)
  }
  return times
}

/** The places of a point along each dimension of the grid; empty along one that is switched off. */
function keyOf(dims: readonly Dim[], levels: number, point: Point): string {
  return dims.map((dim, d) => placeOf(dim, levels, point[d] ?? Number.NaN)).join()
}

function placeOf(dim: Dim, levels: number, x: number): number | string {
  if (Number.isNaN(x)) return ''
  if (Number.isFinite(dim.levels)) return levelAt(x, dim.levels)
  const place = Math.round(x * (levels - 1))
  // A continuous coordinate comes back from its value, rounded.
  return Math.abs(coordinateAt(dim, levels, place) - x) < 1e-9 ? place : 'between'
}
