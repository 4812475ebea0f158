import { dominates } from '../trial.ts'
import type { Utility } from './acquisition.ts'
import { undominatedBoxes } from './numeric/boxes.ts'
import { beliefAt, slopesBySeen, type Posterior } from './numeric/gp_posterior.ts'
import { logEi, type LogEi } from './numeric/log_ei.ts'

/** Points of a front that are kept at most, for 2 goals and for more: the boxes below it are many. */
const MOST_OF_TWO = 50
const MOST_OF_MORE = 12

/**
 * The logarithm of the volume that a point is expected to add below a front. Goals are modelled apart from each other,
 * so that over each box that no point dominates yet the expectation is a product of differences of expected
 * improvements: exact for any number of goals (Emmerich et al. 2006; Yang et al. 2019), and without a sample.
 */
export function logHypervolume(posteriors: readonly Posterior[], values: readonly (readonly number[])[]): Utility {
  const { front, reference } = frontOf(values)
  const boxes = undominatedBoxes(front, reference)
  // Boxes share their bounds: what is expected below each is worked out once.
  const bounds = reference.map((_, g) => [...new Set(boxes.flatMap(({ low, high }) => [low[g]!, high[g]!]))])
  const placed = boxes.map(({ low, high }) => ({
    low: low.map((x, g) => bounds[g]!.indexOf(x)),
    high: high.map((x, g) => bounds[g]!.indexOf(x)),
  }))
  return (seen, slopes) => {
    const beliefs = posteriors.map((posterior, g) => beliefAt(posterior, seen[g]!))
    const below = beliefs.map(({ mean, variance }, g) => bounds[g]!.map((bound) => logEi(mean, variance, bound)))
    const parts = placed.map(({ low, high }) => low.map((_, g) => between(below[g]![low[g]!]!, below[g]![high[g]!]!)))
    const logs = parts.map((part) => part.reduce((sum, { value }) => sum + value, 0))
    const highest = logs.reduce((most, log) => Math.max(most, log), -Infinity)
    const shares = logs.map((log) => Math.exp(log - highest))
    const total = shares.reduce((sum, share) => sum + share, 0)
    for (const [g, posterior] of (slopes ? posteriors : []).entries()) {
      const slope = (by: 'byMean' | 'byVariance') => parts.reduce((sum, part, b) => sum + shares[b]! * part[g]![by], 0)
      slopesBySeen(posterior, seen[g]!, slope('byMean') / total, slope('byVariance') / total, slopes![g]!)
    }
    return highest + Math.log(total)
  }
}

/** The logarithm of the difference of two expected improvements, and its slopes. */
function between(low: LogEi, high: LogEi): LogEi {
  if (low.value === -Infinity) return high
  const ratio = Math.exp(low.value - high.value)
  const rest = Math.max(1 - ratio, Number.EPSILON)
  return {
    value: high.value + Math.log(rest),
    byMean: (high.byMean - ratio * low.byMean) / rest,
    byVariance: (high.byVariance - ratio * low.byVariance) / rest,
  }
}

/** The points that no other dominates, and a point a little worse than the worst of each goal among them. */
function frontOf(values: readonly (readonly number[])[]) {
  const all = values.filter((point) => !values.some((other) => dominates(other, point)))
  const most = values[0]!.length === 2 ? MOST_OF_TWO : MOST_OF_MORE
  const sorted = all.toSorted((a, b) => a[0]! - b[0]!)
  const step = Math.max(1, (sorted.length - 1) / (most - 1))
  const front = sorted.filter((_, i) => Math.floor(i / step) > Math.floor((i - 1) / step) || i === sorted.length - 1)
  const reference = values[0]!.map((_, g) => {
    const reach = Math.max(...values.map((point) => point[g]!)) - Math.min(...values.map((point) => point[g]!))
    return Math.max(...front.map((point) => point[g]!)) + 0.1 * (reach || 1)
  })
  return { front, reference }
}
