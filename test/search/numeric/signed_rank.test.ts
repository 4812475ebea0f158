import { describe, expect, test } from 'vitest'
import { signedRankP } from '../../../src/search/numeric/signed_rank.ts'

describe('signedRankP', () => {
  // scipy 1.10: wilcoxon(d, alternative='greater').pvalue; mode='approx' beyond 50 pairs.
  const few = [1.5, -0.3, 2.2, 0.9, -1.1, 3, 0.4, 2.6]
  const many = Array.from({ length: 60 }, (_, i) => ((i * 37) % 61) / 10 - 2.5 + i * 0.01)
  const tied = Array.from({ length: 90 }, (_, i) => ((i * 7) % 9) - 3)
  const forty = Array.from({ length: 40 }, (_, i) => ((i * 7) % 9) - 3.5 + i * 1e-6)

  test.each([
    ['8 pairs', few, 0.0390625],
    ['8 pairs, turned', few.map((x) => -x), 0.97265625],
    ['40 pairs', forty, 0.05144533520160621],
    ['60 pairs', many, 0.0012054409904198422],
    ['90 pairs with ties and zeros', tied, 0.0003337609096302944],
  ])('is what scipy says of %s', (_, differences, p) => {
    expect(signedRankP(differences)).toBeCloseTo(p, 10)
  })

  test('is exact with ties: as many of all signs as were counted', () => {
    expect(signedRankP([1, 1, -2, 2, 3, -1, 4, 4, 2])).toBe(0.041015625)
  })

  test('finds nothing in no differences', () => {
    expect(signedRankP([])).toBe(1)
    expect(signedRankP([0, 0])).toBe(1)
  })

  test('takes infinite differences for the largest', () => {
    expect(signedRankP([Infinity, Infinity, 1, 2, 3])).toBe(1 / 32)
  })
})
