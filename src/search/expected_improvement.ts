import type { Rng } from '../rng.ts'
import type { Utility } from './acquisition.ts'
import { beliefAt, slopesBySeen, supposing, type Posterior } from './numeric/gp_posterior.ts'
import { logEi, type LogEi } from './numeric/log_ei.ts'
import type { Columns } from './numeric/matern.ts'
import { normalQuantile } from '../normal.ts'
import { sobolColumn } from './numeric/sobol_sequence.ts'

/** A posterior for which what runs has come to its mean, and draws of how far from that it may come in fact. */
export interface Fantasies {
  readonly posterior: Posterior
  readonly draws: readonly Draw[]
}

interface Draw {
  /** For each running point, the last of the posterior's, an independent normal number. */
  readonly normals: Float64Array
  /** The lowest mean that there is then. */
  readonly best: number
}

const DRAWS = 128
/** With more running trials than these, their mean is taken for what will come of them (Ginsbourger et al. 2010). */
const MOST_DRAWN = 16

/**
 * Adds running points, the last ones of `columns`, to a posterior whose lowest mean is `best`. What may come of them is
 * drawn from their joint distribution, once: the same draws for every point that is looked at.
 */
export function fantasize(posterior: Posterior, columns: Columns, best: number, rng: Rng): Fantasies {
  const supposed = supposing(posterior, columns)
  const running = supposed.rows.length
  const normals = running === 0 || running > MOST_DRAWN ? [new Float64Array(running)] : evenNormals(running, rng)
  const settled = posterior.whitened.length
  const draws = normals.map((normals) => {
    const whitened = supposed.posterior.whitened.slice()
    whitened.set(normals, settled)
    const outcomes = supposed.rows.map((row) => row.reduce((sum, cell, i) => sum + cell * whitened[i]!, 0))
    return { normals, best: Math.min(best, ...outcomes) }
  })
  return { posterior: supposed.posterior, draws }
}

/**
 * The logarithm of the improvement that is expected of a point: its expectation is exact in each draw of what runs, and
 * the mean is taken over draws.
 */
export function logImprovement({ posterior, draws }: Fantasies): Utility {
  const running = draws[0]?.normals.length ?? 0
  const settled = posterior.whitened.length - running
  return ([seen], slopes) => {
    const { mean, variance } = beliefAt(posterior, seen!)
    const parts = draws.map(({ normals, best }) => logEi(mean + shift(normals, seen!), variance, best))
    const highest = parts.reduce((most, { value }) => Math.max(most, value), -Infinity)
    const shares = parts.map(({ value }) => Math.exp(value - highest))
    const total = shares.reduce((sum, share) => sum + share, 0)
    if (slopes)
      writeSlopes(
        slopes[0]!,
        seen!,
        parts,
        shares.map((share) => share / total),
      )
    return highest + Math.log(total / draws.length)
  }

  /** How far the mean at a point moves with what comes of the running ones. */
  function shift(normals: Float64Array, seen: Float64Array): number {
    let sum = 0
    for (let r = 0; r < running; r++) sum += normals[r]! * seen[settled + r]!
    return sum
  }

  function writeSlopes(into: Float64Array, seen: Float64Array, parts: readonly LogEi[], shares: readonly number[]) {
    const byMeans = parts.map(({ byMean }, i) => byMean * shares[i]!)
    const byMean = byMeans.reduce((sum, slope) => sum + slope, 0)
    const byVariance = parts.reduce((sum, part, i) => sum + part.byVariance * shares[i]!, 0)
    slopesBySeen(posterior, seen, byMean, byVariance, into)
    for (const [i, { normals }] of draws.entries())
      for (let r = 0; r < running; r++) into[settled + r]! += byMeans[i]! * normals[r]!
  }
}

/** Evenly spread draws of independent normal numbers. */
function evenNormals(count: number, rng: Rng): readonly Float64Array[] {
  const columns = Array.from({ length: count }, (_, d) => sobolColumn(DRAWS, d, rng.below(2 ** 32)).map(normalQuantile))
  return Array.from({ length: DRAWS }, (_, s) => Float64Array.from(columns, (column) => column[s]!))
}
