import { expect, test } from 'vitest'
import { quantile } from '../../../src/search/numeric/quantile.ts'

test('a quantile lies between its neighbours, as in numpy', () => {
  expect([0, 0.1, 0.5, 0.75, 1].map((fraction) => quantile([3, 1, 2, 10], fraction))).toEqual([1, 1.3, 2.5, 4.75, 10])
  expect(quantile([4], 0.3)).toBe(4)
  expect(quantile([], 0.3)).toBeUndefined()
})

test('infinite numbers count, at their end', () => {
  expect(quantile([Infinity, 1, 2], 0.5)).toBe(2)
  expect(quantile([Infinity, 1], 0.5)).toBe(Infinity)
  expect(quantile([-Infinity, 1], 0.5)).toBe(-Infinity)
  expect(quantile([Infinity, Infinity], 0.5)).toBe(Infinity)
})
