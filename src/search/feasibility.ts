import type { Utility } from './acquisition.ts'
import { beliefAt, slopesBySeen, type Posterior } from './numeric/gp_posterior.ts'
import { logNormalCdf, millsRatio } from '../normal.ts'

/** The logarithm of the probability that a point keeps a bound: that what is modelled lies below `most` there. */
export function logFeasibility(posterior: Posterior, most: number): Utility {
  return ([seen], slopes) => {
    const { mean, variance } = beliefAt(posterior, seen!)
    const deviation = Math.sqrt(variance)
    const z = (most - mean) / deviation
    if (slopes) {
      const byZ = 1 / millsRatio(z)
      slopesBySeen(posterior, seen!, -byZ / deviation, (-0.5 * byZ * z) / variance, slopes[0]!)
    }
    return logNormalCdf(z)
  }
}
