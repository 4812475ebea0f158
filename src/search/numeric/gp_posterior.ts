import { emptyFactor, unwhiten, whiten, writeRow, type InverseFactor } from './inverse_factor.ts'
import type { Kernel } from './gp_fit.ts'
import { covariances, covarianceSlopes, squaredDistances, type Columns } from './matern.ts'

/** No function is known better than this: a variance comes from a difference. */
const LEAST_VARIANCE = 1e-12

/** The variance, as a part of the scale, that is left of what is supposed: rounding needs some. */
const ALL_BUT_SURE = 1e-8

/** A Gaussian process that has seen some points. */
export interface Posterior {
  readonly kernel: Kernel
  readonly columns: Columns
  readonly factor: InverseFactor
  /** The values that were seen, whitened by the factor. */
  readonly whitened: Float64Array
}

/** A factor, and what was added to an older one: rows of the Cholesky factor, their diagonal last. */
interface Grown {
  readonly factor: InverseFactor
  readonly rows: readonly Float64Array[]
}

/** What is believed of the function at a point. */
export interface Belief {
  readonly mean: number
  readonly variance: number
}

/**
 * The factor for all points of the columns, whose first ones an older factor may have already. What is seen of the
 * added points has a variance of `noise` beside the function's own.
 */
export function growFactor(kernel: Kernel, columns: Columns, older: InverseFactor | undefined, noise: number): Grown {
  const cells = emptyFactor(columns.count)
  const from = older?.size ?? 0
  if (older) cells.set(older.cells)
  const rows: Float64Array[] = []
  const k = new Float64Array(columns.count)
  for (let i = from; i < columns.count; i++) {
    const point = columns.columns.map((column) => column[i]!)
    squaredDistances(columns, kernel.weights, point, i, k)
    covariances(kernel.scale, k, 0, i, k)
    const diagonal = writeRow(cells, i, k, kernel.scale + noise, noise)
    rows.push(Float64Array.of(...k.subarray(0, i), diagonal))
  }
  return { factor: { size: columns.count, cells }, rows }
}

/** The posterior after values were seen with the kernel's noise, from a factor for these points. */
export function posteriorOf(kernel: Kernel, columns: Columns, factor: InverseFactor, values: Float64Array): Posterior {
  const whitened = new Float64Array(factor.size)
  whiten(factor.cells, factor.size, values, whitened)
  return { kernel, columns, factor, whitened }
}

/** What would be believed had some further points come to what is believed of them now. */
export interface Supposed {
  readonly posterior: Posterior
  /** The means at those points. */
  readonly means: Float64Array
  /** The rows of the Cholesky factor that they added: of whitened values, these make values. */
  readonly rows: Grown['rows']
}

/** Supposes that the last points of the columns, which the posterior has not seen, came to their means. */
export function supposing({ kernel, factor, whitened }: Posterior, columns: Columns): Supposed {
  const grown = growFactor(kernel, columns, factor, ALL_BUT_SURE * kernel.scale)
  const all = new Float64Array(columns.count)
  all.set(whitened)
  const means = Float64Array.from(grown.rows, (row) => row.reduce((sum, cell, i) => sum + cell * all[i]!, 0))
  return { posterior: { kernel, columns, factor: grown.factor, whitened: all }, means, rows: grown.rows }
}

/** The posterior means at the first points, those that gave these values. */
export function meansAtSeen({ kernel, factor: { cells }, whitened }: Posterior, values: Float64Array): Float64Array {
  // K_f K^-1 y = y - noise K^-1 y
  const alpha = new Float64Array(values.length)
  unwhiten(cells, values.length, whitened, alpha)
  return values.map((value, i) => value - kernel.noise * alpha[i]!)
}

/** What is believed at a point whose whitened covariances with what was seen are `seen`. */
export function beliefAt({ kernel, whitened }: Posterior, seen: Float64Array): Belief {
  let mean = 0
  let variance = kernel.scale
  for (let i = 0; i < whitened.length; i++) {
    mean += whitened[i]! * seen[i]!
    variance -= seen[i]! * seen[i]!
  }
  return { mean, variance: Math.max(variance, LEAST_VARIANCE) }
}

/** Turns slopes by what is believed into slopes by the whitened covariances. */
export function slopesBySeen(
  { whitened }: Posterior,
  seen: Float64Array,
  byMean: number,
  byVariance: number,
  into: Float64Array,
): void {
  for (let i = 0; i < whitened.length; i++) into[i] = byMean * whitened[i]! - 2 * byVariance * seen[i]!
}

/**
 * Looks at one point after the other: `whiten` gives its covariances with what was seen, whitened: the mean there is
 * their inner product with the whitened values, the variance the kernel's scale less their squared length. `pullBack`
 * turns slopes by those into slopes by the coordinates of the point that was looked at last.
 */
export function viewOf({ kernel, columns, factor: { size, cells } }: Posterior) {
  const squared = new Float64Array(size)
  const k = new Float64Array(size)
  const seen = new Float64Array(size)
  const steepness = new Float64Array(size)
  return {
    size,
    whiten(point: Float64Array): Float64Array {
      squaredDistances(columns, kernel.weights, point, size, squared)
      covariances(kernel.scale, squared, 0, size, k)
      whiten(cells, size, k, seen)
      return seen
    },
    pullBack(point: Float64Array, slopes: Float64Array, into: Float64Array): void {
      unwhiten(cells, size, slopes, k)
      covarianceSlopes(2 * kernel.scale, squared, 0, size, steepness)
      for (let i = 0; i < size; i++) k[i]! *= steepness[i]!
      for (let d = 0; d < columns.columns.length; d++) {
        if (columns.isCategory[d]) continue
        const column = columns.columns[d]!
        const x = point[d]!
        let sum = 0
        for (let i = 0; i < size; i++) sum += k[i]! * (x - column[i]!)
        into[d]! += kernel.weights[d]! * sum
      }
    },
  }
}
