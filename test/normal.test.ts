import { expect, test } from 'vitest'
import { logNormalCdf, millsRatio, normalBetween, normalCdf, normalDensity, normalQuantile } from '../src/normal.ts'

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

test.each(reference)('the probability below %d is right to 15 places and 12 digits', (x, expected) => {
  expect(Math.abs(normalCdf(x) - expected)).toBeLessThan(1e-15)
  expect(Math.abs(normalCdf(x) / expected - 1)).toBeLessThan(1e-12)
})

// scipy 1.10: special.log_ndtr
test.each([
  [-1000, -500007.8266948122],
  [-37.5, -707.6689893175072],
  [-5, -15.064998393988727],
  [-1, -1.841021645009264],
  [-0.5, -1.175911761593619],
  [0, -Math.LN2],
  [3, -0.001350809964748193],
  [8, -6.220960574271743e-16],
])('the logarithm of the probability below %d is right where that underflows, and where it is all but 1', (x, log) => {
  expect(Math.abs(logNormalCdf(x) / log - 1)).toBeLessThan(1e-13)
})

// scipy 1.10: special.ndtri
test.each([
  [1e-300, -37.0470962993612],
  [1e-10, -6.361340902404056],
  [0.01, -2.3263478740408408],
  [0.3, -0.5244005127080409],
  [0.5, 0],
  [0.7, 0.5244005127080407],
  [0.975, 1.959963984540054],
])('the normal number that is exceeded but for probability %d is right to 14 digits', (p, x) => {
  expect(Math.abs(normalQuantile(p) - x)).toBeLessThan(1e-14 * Math.max(1, Math.abs(x)))
})

test('the ratio of probability and density is that of the two, and stays finite', () => {
  for (const x of [-8, -1, 0, 2]) expect(millsRatio(x)).toBeCloseTo(normalCdf(x) / normalDensity(x), 10)
  expect(millsRatio(-1e6)).toBeCloseTo(1e-6, 15)
})

test('the probability between two bounds keeps its digits in either tail', () => {
  expect(normalBetween(-Infinity, Infinity)).toBe(1)
  expect(normalBetween(8, 9)).toBe(normalBetween(-9, -8))
  expect(normalBetween(8, 9) / 6.219831985865866e-16).toBeCloseTo(1, 7)
  expect(normalBetween(-1, 2)).toBeCloseTo(0.8185946141203637, 14)
})
