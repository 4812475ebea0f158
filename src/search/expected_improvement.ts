import type { Rng } from '../rng.ts'
import type { Utility } from './acquisition.ts'
import { beliefAt, slopesBySeen, supposing, type Posterior } from './numeric/gp_posterior.ts'
import { logEi } from './numeric/log_ei.ts'
import { correlation, type Columns } from './numeric/matern.ts'
import { normalQuantile } from '../normal.ts'
import { sobolColumn } from './numeric/sobol_sequence.ts'

/** A posterior for which what is unsure has come to its mean, and draws of how far from that it may be in fact. */
export interface Fantasies {
  readonly posterior: Posterior
  readonly draws: readonly Draw[]
}

interface Draw {
  /** For each unsure point, the last of the posterior's, an independent normal number. */
  readonly normals: Float64Array
  /** The lowest value that there is then. */
  readonly best: number
}

const DRAWS = 64
/** Of more unsure points than these, the others count by their means (Ginsbourger et al. 2010, "kriging believer"). */
const MOST_DRAWN = 24
/** The best of what was tried of which the true value is drawn, and how alike two of them may be. */
const LEADERS = 8
const ALIKE = 0.95

/**
 * Adds points whose true value is not known, the last ones of `columns`: those that run, and with noise the best of
 * those that were tried. What they may be is drawn from their joint distribution, once, so that all points are looked
 * at with the same draws; an improvement is one below the lowest of them and `best`. (Letham et al. 2019,
 * arXiv:1706.07094: with noise, a place that was tried often has no improvement left to give.)
 */
export function fantasize(posterior: Posterior, columns: Columns, best: number, rng: Rng): Fantasies {
  const supposed = supposing(posterior, columns)
  const settled = posterior.whitened.length
  const draws = evenNormals(supposed.rows.length, rng).map((normals) => {
    const whitened = supposed.posterior.whitened.slice()
    whitened.set(normals, settled)
    const outcomes = supposed.rows.map((row) => row.reduce((sum, cell, i) => sum + cell * whitened[i]!, 0))
    return { normals, best: Math.min(best, ...outcomes) }
  })
  return { posterior: supposed.posterior, draws }
}

/** Which of the points that were tried have the lowest means, but for those that are all but the same as a better one. */
export function leaders({ kernel, columns }: Posterior, means: Float64Array): readonly number[] {
  const order = [...means.keys()].filter((i) => means[i]! < Infinity).toSorted((a, b) => means[a]! - means[b]!)
  const chosen: number[] = []
  for (const i of order) {
    if (chosen.length === LEADERS) break
    if (!chosen.some((j) => correlation(kernel.weights, columns, i, j) > ALIKE)) chosen.push(i)
  }
  return chosen
}

/**
 * The logarithm of the improvement that is expected of a point: its expectation is exact in each draw of what is unsure, and
 * the mean is taken over draws.
 */
export function logImprovement({ posterior, draws }: Fantasies): Utility {
  const unsure = draws[0]?.normals.length ?? 0
  const settled = posterior.whitened.length - unsure
  // Of each draw, written anew for each point: this runs thousands of times for a suggestion.
  const [logs, byMeans, byVariances, shares] = [0, 1, 2, 3].map(() => new Float64Array(draws.length)) as FourArrays
  return ([seen], slopes) => {
    const { mean, variance } = beliefAt(posterior, seen!)
    let highest = -Infinity
    for (let s = 0; s < draws.length; s++) {
      const { normals, best } = draws[s]!
      let there = mean
      for (let u = 0; u < unsure; u++) there += normals[u]! * seen![settled + u]!
      const { value, byMean, byVariance } = logEi(there, variance, best)
      logs[s] = value
      byMeans[s] = byMean
      byVariances[s] = byVariance
      if (value > highest) highest = value
    }
    let total = 0
    for (let s = 0; s < draws.length; s++) total += shares[s] = Math.exp(logs[s]! - highest)
    if (slopes) writeSlopes(slopes[0]!, seen!, total)
    return highest + Math.log(total / draws.length)
  }

  function writeSlopes(into: Float64Array, seen: Float64Array, total: number): void {
    let byMean = 0
    let byVariance = 0
    for (let s = 0; s < draws.length; s++) {
      byMeans[s]! *= shares[s]! / total
      byMean += byMeans[s]!
      byVariance += (byVariances[s]! * shares[s]!) / total
    }
    slopesBySeen(posterior, seen, byMean, byVariance, into)
    for (let s = 0; s < draws.length; s++)
      for (let u = 0; u < unsure; u++) into[settled + u]! += byMeans[s]! * draws[s]!.normals[u]!
  }
}

type FourArrays = [Float64Array, Float64Array, Float64Array, Float64Array]

/** Evenly spread draws of independent normal numbers, the last ones 0 where they are too many. */
function evenNormals(count: number, rng: Rng): readonly Float64Array[] {
  const drawn = Math.min(count, MOST_DRAWN)
  const columns = Array.from({ length: drawn }, (_, d) => sobolColumn(DRAWS, d, rng.below(2 ** 32)).map(normalQuantile))
  return Array.from({ length: drawn === 0 ? 1 : DRAWS }, (_, s) =>
    Float64Array.from({ length: count }, (_, d) => columns[d]?.[s] ?? 0),
  )
}
