import { activity, encode, type Encoding } from './encoding.ts'
import { viewOf, type Posterior } from './numeric/gp_posterior.ts'

/** How much a point is worth trying: to be maximized over points that have some number in every coordinate. */
export interface Acquisition {
  /** How many covariances it takes to look at a point. */
  readonly cost: number
  value(point: Float64Array): number
  /** Writes the slopes by the coordinates: 0 for those that are switched off, and for categories. */
  slopes(point: Float64Array, into: Float64Array): number
}

/**
 * What a point is worth by what is believed of it: by its covariances with what each posterior has seen, whitened. When
 * `slopes` are wanted, it writes those by each of these numbers.
 */
export type Utility = (seen: readonly Float64Array[], slopes?: readonly Float64Array[]) => number

/** The acquisition that looks at a point by some posteriors. */
export function acquisitionOf(encoding: Encoding, posteriors: readonly Posterior[], utility: Utility): Acquisition {
  const views = posteriors.map(viewOf)
  const row = new Float64Array(encoding.dims.length)
  const isOn = new Uint8Array(encoding.dims.length)
  const slopesBySeen = views.map(({ size }) => new Float64Array(size))
  const look = (point: Float64Array) => {
    activity(encoding, point, isOn)
    encode(encoding, point, isOn, row)
    return views.map((view) => view.whiten(row))
  }
  return {
    cost: views.reduce((sum, { size }) => sum + size, 0),
    value: (point) => utility(look(point)),
    slopes(point, into) {
      const value = utility(look(point), slopesBySeen)
      into.fill(0)
      for (const [i, view] of views.entries()) view.pullBack(row, slopesBySeen[i]!, into)
      for (let d = 0; d < into.length; d++) into[d]! *= isOn[d]!
      return value
    },
  }
}

/** Several utilities, each of some posteriors in their order, worth their sum: a sum of logarithms is a product. */
export function sumOf(utilities: readonly { readonly utility: Utility; readonly posteriors: number }[]): Utility {
  return (seen, slopes) => {
    let [sum, from] = [0, 0]
    for (const { utility, posteriors } of utilities) {
      sum += utility(seen.slice(from, from + posteriors), slopes?.slice(from, from + posteriors))
      from += posteriors
    }
    return sum
  }
}
