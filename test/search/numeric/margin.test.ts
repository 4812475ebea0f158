import { describe, expect, test } from 'vitest'
import { deviations, startCma } from '../../../src/search/numeric/cma.ts'
import { withMargin } from '../../../src/search/numeric/margin.ts'
import { normalCdf } from '../../../src/normal.ts'
import { truncatedNormal } from '../../../src/search/numeric/truncated.ts'

const MARGIN = 0.02

/** The probabilities of the levels below and above the one that the mean is in. */
function outside(mean: number, sigma: number, levels: number): readonly [number, number] {
  const cma = withMargin(startCma(Float64Array.of(mean), sigma), [levels], MARGIN)
  const [m, s, level] = [cma.mean[0]!, deviations(cma)[0]!, Math.floor(mean * levels)]
  return [normalCdf((level / levels - m) / s), normalCdf((m - (level + 1) / levels) / s)]
}

describe('a margin', () => {
  test.each([0.51, 0.55, 0.5999])('keeps both neighbours of a level probable, from a mean of %f', (mean) => {
    const [below, above] = outside(mean, 1e-4, 10)
    expect(below).toBeGreaterThan(MARGIN / 2 - 1e-9)
    expect(above).toBeGreaterThan(MARGIN / 2 - 1e-9)
    expect(below + above).toBeLessThan(0.6)
  })

  test('keeps the one neighbour of the first and of the last level probable', () => {
    expect(outside(0.02, 1e-4, 10)[1]).toBeCloseTo(MARGIN, 9)
    expect(outside(0.97, 1e-4, 10)[0]).toBeCloseTo(MARGIN, 9)
  })

  test('leaves alone what is spread enough, and numbers without levels', () => {
    const cma = startCma(Float64Array.of(0.55, 0.2, 0.7), 0.2)
    const { mean, A } = withMargin(cma, [10, Infinity, 2], MARGIN)
    expect([...mean]).toEqual([0.55, 0.2, 0.7])
    expect([...A]).toEqual([1, 1, 1])
  })
})

describe('a truncated normal number', () => {
  // scipy.stats.truncnorm.ppf
  test.each([
    [0, 1, -1, 2, 0.3, -0.24240381788922707],
    [0.5, 0.1, 0.9, 1, 0.5, 0.9159046434569282],
    [0.5, 0.1, -Infinity, 0.2, 0.25, 0.1600442155523838],
  ])('of mean %f, deviation %f, between %f and %f at %f', (mean, deviation, low, high, u, x) => {
    expect(truncatedNormal(mean, deviation, low, high, u)).toBeCloseTo(x, 9)
  })

  test('is the nearer bound where the distribution does not reach', () => {
    expect(truncatedNormal(0, 1e-3, 0.5, 0.6, 0.3)).toBeCloseTo(0.5, 6)
    expect(truncatedNormal(0, 1e-3, -0.6, -0.5, 0.3)).toBeCloseTo(-0.5, 6)
  })
})
