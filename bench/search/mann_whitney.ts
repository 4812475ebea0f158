import { normalCdf } from '../../src/normal.ts'

/**
 * The two-sided p of Mann and Whitney that two samples come from one distribution, by the normal approximation with
 * corrections for ties and continuity, as scipy's `mannwhitneyu` takes it for samples of more than 8.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const total = a.length + b.length
  const wins = a.reduce((sum, x) => sum + b.reduce((inner, y) => inner + (x < y ? 1 : x === y ? 0.5 : 0), 0), 0)
  const counts = new Map<number, number>()
  for (const x of [...a, ...b]) counts.set(x, (counts.get(x) ?? 0) + 1)
  const ties = [...counts.values()].reduce((sum, count) => sum + count ** 3 - count, 0)
  const variance = ((a.length * b.length) / 12) * (total + 1 - ties / (total * (total - 1)))
  if (variance === 0) return 1
  const far = Math.abs(wins - (a.length * b.length) / 2) - 0.5
  return Math.min(1, 2 * normalCdf(-far / Math.sqrt(variance)))
}
