import { describe, expect, test } from 'vitest'
import { pairedDifference, spread } from '../../src/eval/paired.ts'
import { stream } from '../../src/rng.ts'

describe('a paired difference', () => {
  test('has the interval of the paired t test', () => {
    // R: t.test(c(55.14, 54.53, 50.8), c(35.75, 34.99, 29.32), paired = TRUE) by its formula, t(0.975, 2) = 4.302653
    const { mean, low, high } = pairedDifference([55.14, 54.53, 50.8], [35.75, 34.99, 29.32])
    const half = (4.302653 * spread([19.39, 19.54, 21.48])) / Math.sqrt(3)
    expect(mean).toBeCloseTo(20.1367, 4)
    expect(high - low).toBeCloseTo(2 * half, 5)
    expect((low + high) / 2).toBeCloseTo(mean, 9)
  })

  test('of a single pair has an interval without ends', () => {
    expect(pairedDifference([2], [1])).toEqual({ mean: 1, low: -Infinity, high: Infinity })
  })

  test('covers the truth about 95 times in 100', () => {
    const rng = stream(1, 'coverage')
    let covered = 0
    for (let study = 0; study < 2000; study++) {
      const pairs = Array.from({ length: 5 }, () => ({ a: 1 + rng.normal(), b: rng.normal() }))
      const { low, high } = pairedDifference(pairs.map(({ a }) => a), pairs.map(({ b }) => b)) // prettier-ignore
      if (low <= 1 && 1 <= high) covered++
    }
    expect(covered / 2000).toBeGreaterThan(0.935)
    expect(covered / 2000).toBeLessThan(0.965)
  })

  test('of unequal numbers of values is refused', () => {
    expect(() => pairedDifference([1, 2], [1])).toThrow(/cannot be paired/)
  })
})
