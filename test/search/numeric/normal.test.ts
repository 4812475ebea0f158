import { expect, test } from 'vitest'
import { normalBetween, normalCdf } from '../../../src/search/numeric/normal.ts'

// Python 3.11: 0.5 * math.erfc(-x / math.sqrt(2))
const reference = [
  [-30, 4.906713927148764e-198],
  [-12.5, 3.73256429887781e-36],
  [-7.1, 6.23784446333164e-13],
  [-7.05, 8.945889558769917e-13],
  [-3, 0.0013498980316300957],
  [-1, 0.15865525393145707],
  [-0.1, 0.460172162722971],
  [0, 0.5],
  [0.5, 0.6914624612740131],
  [2, 0.9772498680518208],
  [6, 0.9999999990134123],
] as const

test.each(reference)('the probability below %d is right to 15 places and 8 digits', (x, expected) => {
  expect(Math.abs(normalCdf(x) - expected)).toBeLessThan(1e-15)
  expect(Math.abs(normalCdf(x) / expected - 1)).toBeLessThan(1e-8)
})

test('the probability between two bounds keeps its digits in either tail', () => {
  expect(normalBetween(-Infinity, Infinity)).toBe(1)
  expect(normalBetween(8, 9)).toBe(normalBetween(-9, -8))
  expect(normalBetween(8, 9) / 6.219831985865866e-16).toBeCloseTo(1, 7)
  expect(normalBetween(-1, 2)).toBeCloseTo(0.8185946141203637, 14)
})
