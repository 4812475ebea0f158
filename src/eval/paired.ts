import { student95 } from '../student.ts'

/** A mean difference of pairs with its 95 % interval; the interval is infinite for a single pair. */
export interface PairedDifference {
  readonly mean: number
  readonly low: number
  readonly high: number
}

/** a - b, pair by pair, with Student's t interval. */
export function pairedDifference(a: readonly number[], b: readonly number[]): PairedDifference {
  if (a.length !== b.length || a.length === 0)
    throw new RangeError(`${a.length} and ${b.length} values cannot be paired`)
  const differences = a.map((value, i) => value - b[i]!)
  const mean = average(differences)
  const half = student95(a.length - 1) * (spread(differences) / Math.sqrt(a.length))
  return { mean, low: mean - half, high: mean + half }
}

/** Mean of some values. */
export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Standard deviation, as estimated from a sample; infinite for a single value, of which nothing is known. */
export function spread(values: readonly number[]): number {
  if (values.length < 2) return Infinity
  const mean = average(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}
