import { describe, expect, test } from 'vitest'
import { orderedDensity, unorderedDensity } from '../../../src/search/numeric/grid_density.ts'

const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0)
const counts = [0, 3, 0, 0, 5, 1, 0, 0, 0, 2]

describe('a density on a grid', () => {
  test.each([
    ['ordered', orderedDensity],
    ['unordered', unorderedDensity],
  ])('sums to 1, of %s cells', (_, density) => {
    expect(sum(density(counts))).toBeCloseTo(1, 12)
    expect(sum(density([7]))).toBeCloseTo(1, 12)
  })

  test('of ordered cells is high where observations are, and between them', () => {
    const density = orderedDensity(counts)
    expect(density[4]).toBeGreaterThan(density[7]!)
    expect(density[3]).toBeGreaterThan(density[8]!)
  })

  test('of ordered cells turned around is turned around, but for the quartiles of a few', () => {
    const many = counts.map((count) => 40 * count)
    const turned = orderedDensity(many.toReversed()).toReversed()
    orderedDensity(many).forEach((value, cell) => expect(value).toBeCloseTo(turned[cell]!, 2))
  })

  test('of unordered cells does not care for their neighbours', () => {
    const density = unorderedDensity([0, 4, 0, 0, 1])
    expect(density[0]).toBe(density[2])
    expect(density[1]).toBeGreaterThan(density[4]!)
    expect(density[4]).toBeGreaterThan(density[0]!)
  })
})
