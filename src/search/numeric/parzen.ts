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
  return {
    dims,
    logWeights: Float64Array.from([...weights, prior], (weight) => Math.log(weight / (sum + prior))),
    kernels: dims.map((dim, d) => kernelsFor(dim, columnOf(points, d))),
  }
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
  const terms = new Float64Array(logWeights.length)
  return points.map((point) => {
    terms.set(logWeights)
    for (let d = 0; d < kernels.length; d++) if (!Number.isNaN(point[d])) kernels[d]!.addLogDensity(point[d]!, terms)
    return logSumExp(terms)
  })
}

function drawComponent(logWeights: Float64Array, rng: Rng): number {
  let left = rng.uniform()
  const chosen = logWeights.findIndex((logWeight) => (left -= Math.exp(logWeight)) < 0)
  return chosen < 0 ? logWeights.length - 1 : chosen
}

/** The logarithm of a share that any number of components cannot add up to anything with. */
const LEAST_TERM = -60

function logSumExp(terms: Float64Array): number {
  let largest = -Infinity
  for (let i = 0; i < terms.length; i++) if (terms[i]! > largest) largest = terms[i]!
  let sum = 0
  for (let i = 0; i < terms.length; i++) if (terms[i]! - largest > LEAST_TERM) sum += Math.exp(terms[i]! - largest)
  return largest + Math.log(sum)
}
