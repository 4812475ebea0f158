import { normalCdf } from '../../normal.ts'

/** Pairs up to which the distribution is counted out, as scipy does. */
const MOST_EXACT = 50

/**
 * Wilcoxon's signed rank test (1945): the probability that paired differences are as far above 0 as these, were each as
 * likely to have the other sign. Differences of 0 are left out, tied ones share their ranks; 1 where nothing is left. Exact
 * for up to 50 pairs, ties included; beyond that by the normal distribution with the correction for ties.
 */
export function signedRankP(differences: readonly number[]): number {
  const sorted = differences.filter((difference) => difference !== 0).toSorted((a, b) => Math.abs(a) - Math.abs(b))
  if (sorted.length === 0) return 1
  const ranks = twiceRanks(sorted)
  const above = ranks.reduce((sum, rank, i) => sum + (sorted[i]! > 0 ? rank : 0), 0)
  return sorted.length <= MOST_EXACT ? exactP(ranks, above) : normalP(ranks, above)
}

/** Twice the rank of each absolute difference, which makes the middle of tied ranks a whole number. */
function twiceRanks(sorted: readonly number[]): readonly number[] {
  const sizes = sorted.map(Math.abs)
  return sizes.map((size) => sizes.indexOf(size) + sizes.lastIndexOf(size) + 2)
}

/** Counts in how many of all 2^n choices of signs the ranks of those above 0 sum to as much. */
function exactP(ranks: readonly number[], above: number): number {
  const total = ranks.reduce((sum, rank) => sum + rank, 0)
  const share = new Float64Array(total + 1)
  share[0] = 1
  for (const rank of ranks) {
    for (let sum = total; sum >= 0; sum--) share[sum] = (share[sum]! + (share[sum - rank] ?? 0)) / 2
  }
  return Math.min(
    1,
    share.subarray(above).reduce((sum, part) => sum + part, 0),
  )
}

/** The sum of independent signs: each rank r is in it with probability 1/2, and so adds r^2 / 4 to its variance. */
function normalP(ranks: readonly number[], above: number): number {
  const mean = ranks.reduce((sum, rank) => sum + rank, 0) / 2
  const variance = ranks.reduce((sum, rank) => sum + rank * rank, 0) / 4
  return normalCdf((mean - above) / Math.sqrt(variance))
}
