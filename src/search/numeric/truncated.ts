import { normalCdf, normalQuantile } from '../../normal.ts'

/**
 * A number of the normal distribution of a mean and deviation between two bounds, one of which may be infinite, by its
 * quantile u of (0, 1). Where it hardly reaches there, the bound that is nearer to the mean.
 */
export function truncatedNormal(mean: number, deviation: number, low: number, high: number, u: number): number {
  // In the upper half, by its mirror image: there, probabilities close to 1 would be all alike.
  if (low > mean) return -truncatedNormal(-mean, deviation, -high, -low, 1 - u)
  const [from, to] = [normalCdf((low - mean) / deviation), normalCdf((high - mean) / deviation)]
  const p = from + u * (to - from)
  const x = p > 0 && p < 1 ? mean + deviation * normalQuantile(p) : mean
  return Math.min(high, Math.max(low, x))
}
