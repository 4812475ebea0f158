import type { Rng } from '../../rng.ts'
import { isActive, type Dim, type Point } from '../../space.ts'
import { kernelsFor, type Kernels } from './kernels.ts'

/**
 * A density over the unit cube: a mixture with one component around each observation, and one that covers the whole
 * cube, the prior. A component is a product over dimensions, so that what was observed together stays together.
 */
export interface Parzen {
  readonly dims: readonly Dim[]
  /** One a component, summing to 1 as weights; the prior's is the last. */
  readonly logWeights: Float64Array
  readonly kernels: readonly Kernels[]
}

/**
 * The density of some observations, each with a weight above 0. The prior weighs as much as the mean of them. A
 * coordinate that is switched off is NaN: there, its component is as wide as the prior.
 */
export function parzen(dims: readonly Dim[], points: readonly Point[], weights: readonly number[]): Parzen {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  const prior = points.length === 0 ? 1 : sum / points.length
  const logWeights = new Float64Array(points.length + 1)
  for (let i = 0; i < logWeights.length; i++) logWeights[i] = Math.log((weights[i] ?? prior) / (sum + prior))
  return { dims, logWeights, kernels: dims.map((dim, d) => kernelsFor(dim, columnOf(points, d))) }
}

/** Coordinate d of each component; the prior has none. */
function columnOf(points: readonly Point[], d: number): Float64Array {
  const column = new Float64Array(points.length + 1).fill(Number.NaN)
  for (let i = 0; i < points.length; i++) column[i] = points[i]![d] ?? Number.NaN
  return column
}

/** A point from the density. Coordinates that a condition switches off are NaN. */
export function drawPoint({ dims, logWeights, kernels }: Parzen, rng: Rng): Point {
  const component = drawComponent(logWeights, rng)
  const point: number[] = []
  for (const [d, kernel] of kernels.entries()) {
    // A condition looks back only, at coordinates that are there already.
    point.push(isActive(dims, point, d) ? kernel.draw(component, rng) : Number.NaN)
  }
  return point
}

/** The log density at each point, over the dimensions that are active there: those that are not NaN. */
export function logDensities({ logWeights, kernels }: Parzen, points: readonly Point[]): readonly number[] {
  // All points at once, those of a component beside each other: what is known of it is looked up once.
  const terms = scratchOf(logWeights.length * points.length)
  for (let i = 0, at = 0; i < logWeights.length; i++) {
    for (let k = 0; k < points.length; k++) terms[at++] = logWeights[i]!
  }
  const coordinates = new Float64Array(points.length)
  for (let d = 0; d < kernels.length; d++) {
    for (let k = 0; k < points.length; k++) coordinates[k] = points[k]![d]!
    kernels[d]!.addLogDensities(coordinates, terms)
  }
  return logSumsExp(terms, points.length)
}

/** Written over by each call: what is as large as this is collected as garbage too slowly to be made anew. */
let scratch = new Float64Array(0)

function scratchOf(length: number): Float64Array {
  if (scratch.length < length) scratch = new Float64Array(length)
  return scratch.subarray(0, length)
}

function drawComponent(logWeights: Float64Array, rng: Rng): number {
  let left = rng.uniform()
  const chosen = logWeights.findIndex((logWeight) => (left -= Math.exp(logWeight)) < 0)
  return chosen < 0 ? logWeights.length - 1 : chosen
}

/** The logarithm of a share that any number of components cannot add up to anything with. */
const LEAST_TERM = -60

/** The logarithm of the sum of each column of terms. */
function logSumsExp(terms: Float64Array, columns: number): readonly number[] {
  const largest = new Float64Array(columns).fill(-Infinity)
  for (let at = 0; at < terms.length;) {
    for (let k = 0; k < columns; k++, at++) if (terms[at]! > largest[k]!) largest[k] = terms[at]!
  }
  const sums = new Float64Array(columns)
  for (let at = 0; at < terms.length;) {
    for (let k = 0; k < columns; k++, at++) {
      const term = terms[at]! - largest[k]!
      if (term > LEAST_TERM) sums[k]! += Math.exp(term)
    }
  }
  return Array.from(largest, (most, k) => most + Math.log(sums[k]!))
}
