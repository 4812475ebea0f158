import { emptyFactor, inverseOf, rowStart, unwhiten, whiten, writeRow, type InverseFactor } from './inverse_factor.ts'
import { addWeightedSquares, covariances, covarianceSlopes, squaredDistances, type Columns } from './matern.ts'
import { minimizeInBox, type Smooth } from './minimize.ts'

/** What a Gaussian process takes for granted about a function: the covariance of its values, and their noise. */
export interface Kernel {
  /** One over the squared lengthscale of each dimension. */
  readonly weights: Float64Array
  /** The variance of the function. */
  readonly scale: number
  /** The variance of what is observed about it. */
  readonly noise: number
}

export interface Fit {
  readonly kernel: Kernel
  /** The logarithm of the likelihood times the prior, but for constants of the dimensions. */
  readonly logPosterior: number
}

/** Below this variance, of values of variance 1, noise is taken for none (as Optuna does). */
const LEAST_NOISE = 1e-6
const SHORTEST = 0.025
const LONGEST = 1000

/**
 * The most probable kernel for some values of variance about 1 around some constant, one for each point in the columns: by
 * gradient from the better of the priors' mode and, where given, another kernel.
 */
export function fitKernel(columns: Columns, values: Float64Array, start?: Kernel): Fit {
  const dimensions = columns.columns.length
  const objective = negativeLogPosterior(columns, values)
  const starts = [priorMode(dimensions), ...(start ? [logsOf(start)] : [])]
  const slopes = new Float64Array(dimensions + 2)
  const heights = starts.map((logs) => objective(logs, slopes))
  const { x, value } = minimizeInBox(
    objective,
    starts[heights.indexOf(Math.min(...heights))]!,
    [...Array.from({ length: dimensions }, () => Math.log(SHORTEST)), Math.log(0.01), Math.log(LEAST_NOISE)],
    [...Array.from({ length: dimensions }, () => Math.log(LONGEST)), Math.log(100), 0],
    { iterations: 60, tolerance: 1e-2 },
  )
  return { kernel: kernelOf(x), logPosterior: -value }
}

/**
 * The constant that values most probably vary around, a normal number before they were seen: what is expected far from all
 * of them. Not their average: many of them stand close together, where a search converged, and count as few.
 * (Rasmussen & Williams 2006, eq. 2.39.)
 */
export function levelOf({ size, cells }: InverseFactor, values: Float64Array): number {
  const ones = new Float64Array(size).fill(1)
  const seen = new Float64Array(size)
  whiten(cells, size, ones, ones)
  whiten(cells, size, values, seen)
  let [both, own] = [0, 1]
  for (let i = 0; i < size; i++) {
    both += ones[i]! * seen[i]!
    own += ones[i]! * ones[i]!
  }
  return both / own
}

/**
 * Minus the log posterior as a function of the logarithms of the lengthscales, the scale and the noise, with the level
 * that is most probable then: one factorisation gives the value and all slopes (Rasmussen & Williams 2006, eq. 5.8 and
 * 5.9; at the best level, no slope depends on it).
 */
export function negativeLogPosterior(columns: Columns, values: Float64Array): Smooth {
  const count = values.length
  const dimensions = columns.columns.length
  const rows = Array.from({ length: count }, (_, i) => columns.columns.map((column) => column[i]!))
  const cells = emptyFactor(count)
  // Both of the lower triangle, row by row.
  const squared = emptyFactor(count)
  const row = new Float64Array(count)
  const weighted = new Float64Array(count)
  const off = new Float64Array(count)
  const alpha = new Float64Array(count)
  const sums = new Float64Array(dimensions)
  return (logs, slopes) => {
    const { weights, scale, noise } = kernelOf(logs)
    let logDiagonal = 0
    for (let i = 0; i < count; i++) {
      squaredDistances(columns, weights, rows[i]!, i, row)
      squared.set(row.subarray(0, i), rowStart(i))
      covariances(scale, row, 0, i, row)
      logDiagonal += Math.log(writeRow(cells, i, row, scale + noise, noise))
    }
    const level = levelOf({ size: count, cells }, values)
    for (let i = 0; i < count; i++) off[i] = values[i]! - level
    whiten(cells, count, off, row)
    let quadratic = level * level
    for (let i = 0; i < count; i++) quadratic += row[i]! * row[i]!
    unwhiten(cells, count, row, alpha)

    // The sum over pairs of (K^-1 - alpha alpha') dK is what the value changes by; the diagonal counts half.
    const inverse = inverseOf({ size: count, cells })
    let byScale = 0
    let byNoise = 0
    sums.fill(0)
    for (let i = 0; i < count; i++) {
      const start = rowStart(i)
      covariances(scale, squared, start, i, row)
      covarianceSlopes(scale, squared, start, i, weighted)
      for (let k = 0; k < i; k++) {
        const pull = inverse[start + k]! - alpha[i]! * alpha[k]!
        byScale += pull * row[k]!
        weighted[k]! *= pull
      }
      const pull = 0.5 * (inverse[start + i]! - alpha[i]! * alpha[i]!)
      byScale += pull * scale
      byNoise += pull * noise
      addWeightedSquares(columns, rows[i]!, i, weighted, sums)
    }
    for (let d = 0; d < dimensions; d++) slopes[d] = -2 * weights[d]! * sums[d]!
    slopes[dimensions] = byScale
    slopes[dimensions + 1] = byNoise
    return 0.5 * quadratic + logDiagonal - addLogPrior(logs, slopes)
  }
}

/**
 * The logarithm of the priors, whose slopes are taken off `slopes`. Lengthscales: lognormal around sqrt(dimensions)
 * (Hvarfner et al. 2024, arXiv:2402.02229). Scale: gamma(2, 1), noise: gamma(1.1, 30), both as in Optuna.
 */
function addLogPrior(logs: Float64Array, slopes: Float64Array): number {
  const dimensions = logs.length - 2
  const middle = Math.SQRT2 + 0.5 * Math.log(dimensions)
  let sum = 0
  for (let d = 0; d < dimensions; d++) {
    const off = logs[d]! - middle
    sum -= logs[d]! + (off * off) / 6
    slopes[d]! += 1 + off / 3
  }
  for (const [i, shape, rate] of [
    [dimensions, 2, 1],
    [dimensions + 1, 1.1, 30],
  ] as const) {
    const x = Math.exp(logs[i]!)
    sum += (shape - 1) * logs[i]! - rate * x
    slopes[i]! -= shape - 1 - rate * x
  }
  return sum
}

/** Where the priors are highest. */
function priorMode(dimensions: number): Float64Array {
  const logs = new Float64Array(dimensions + 2).fill(Math.SQRT2 + 0.5 * Math.log(dimensions) - 3)
  logs[dimensions] = 0
  logs[dimensions + 1] = Math.log(0.1 / 30)
  return logs
}

function kernelOf(logs: Float64Array): Kernel {
  const dimensions = logs.length - 2
  return {
    weights: logs.slice(0, dimensions).map((log) => Math.exp(-2 * log)),
    scale: Math.exp(logs[dimensions]!),
    noise: Math.exp(logs[dimensions + 1]!),
  }
}

function logsOf({ weights, scale, noise }: Kernel): Float64Array {
  return Float64Array.of(...weights.map((weight) => -0.5 * Math.log(weight)), Math.log(scale), Math.log(noise))
}
