import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import { mutated, simulatedBinary } from '../../../src/search/numeric/variation.ts'

const rng = stream(1, 'variation')

function drawn(count: number, draw: () => number): readonly number[] {
  return Array.from({ length: count }, draw)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

describe('simulated binary crossover', () => {
  test('has its parents for a mean, and stays close to them', () => {
    const children = drawn(20_000, () => simulatedBinary(0.4, 0.6, rng))
    expect(mean(children)).toBeCloseTo(0.5, 2)
    const far = children.map((x) => Math.min(Math.abs(x - 0.4), Math.abs(x - 0.6)))
    expect(mean(far.map((x) => (x < 0.02 ? 1 : 0)))).toBeGreaterThan(0.9)
    expect(Math.max(...far)).toBeGreaterThan(0.03)
  })

  test('never leaves the range', () => {
    const children = drawn(5000, () => simulatedBinary(0.001, 0.9, rng))
    expect(children.every((x) => x >= 0 && x <= 1)).toBe(true)
  })

  test('gives what both parents have', () => {
    expect(simulatedBinary(0.3, 0.3, rng)).toBe(0.3)
  })
})

describe('polynomial mutation', () => {
  // E |change| of an index of 20, far from the ends: 1 / (21 + 1).
  test('changes a coordinate by a twentieth of the range, to either side alike', () => {
    const changes = drawn(20_000, () => mutated(0.5, rng) - 0.5)
    expect(mean(changes)).toBeCloseTo(0, 2)
    expect(mean(changes.map(Math.abs))).toBeCloseTo(1 / 22, 2)
  })

  test('never leaves the range', () => {
    expect(drawn(5000, () => mutated(1, rng)).every((x) => x >= 0 && x <= 1)).toBe(true)
  })
})
