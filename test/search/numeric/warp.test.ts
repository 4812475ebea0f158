import { describe, expect, test } from 'vitest'
import { bentWarp, logWarp, straightWarp, warped, yeoJohnson } from '../../../src/search/numeric/warp.ts'

// numpy 1.24: the exponentials of 30 normal numbers
const skewed = Float64Array.of(5.836, 1.492, 2.661, 9.402, 6.472, 0.376, 2.586, 0.86, 0.902, 1.508, 1.155, 4.281, 2.14, 1.129, 1.559, 1.396, 4.455, 0.815, 1.368, 0.426, 0.078, 1.922, 2.374, 0.476, 9.677, 0.234, 1.047, 0.829, 4.631, 4.346) // prettier-ignore

function moments(numbers: Float64Array): readonly [mean: number, variance: number] {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length
  return [mean, numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length]
}

describe('a warp', () => {
  test('bends as scipy does', () => {
    // scipy 1.10: stats.yeojohnson([-2, -0.5, 0.3, 4], power)
    const reference = [
      [-1, [-8.666666666666666, -0.7916666666666666, 0.23076923076923073, 0.8]],
      [0, [-4, -0.625, 0.262364264467491, 1.6094379124341003]],
      [0.5, [-2.797434948471088, -0.5580782047249223, 0.28035085019827566, 2.4721359549995796]],
      [1, [-2, -0.5, 0.3, 4]],
      [2, [-1.0986122886681096, -0.4054651081081644, 0.345, 12]],
    ] as const
    for (const [power, expected] of reference)
      expected.forEach((y, i) => expect(yeoJohnson([-2, -0.5, 0.3, 4][i]!, power)).toBeCloseTo(y, 12))
  })

  test('has the power that makes losses most like normal ones', () => {
    // scipy 1.10: stats.yeojohnson_normmax of the standardised losses
    expect(bentWarp(skewed).power).toBeCloseTo(-0.35166, 2)
  })

  test.each([straightWarp, bentWarp, logWarp])('gives numbers of mean 0 and variance 1, in the same order', (make) => {
    const warp = make(skewed)
    const [mean, variance] = moments(skewed.map((loss) => warped(warp, loss)))
    expect(mean).toBeCloseTo(0, 10)
    expect(variance).toBeCloseTo(1, 10)
    const sorted = skewed.toSorted().map((loss) => warped(warp, loss))
    expect(sorted.toSorted()).toEqual(sorted)
  })

  test.each([straightWarp, bentWarp, logWarp])('knows the slopes of itself', (make) => {
    const warp = make(skewed)
    const slope = (x: number) => (warped(warp, x + 1e-6) - warped(warp, x - 1e-6)) / 2e-6
    const logs = skewed.reduce((sum, loss) => sum + Math.log(slope(loss)), 0)
    expect(warp.logJacobian).toBeCloseTo(logs, 5)
  })

  test('tells losses apart that lie close above the lowest, be the worst orders of magnitude higher', () => {
    const losses = Float64Array.from({ length: 60 }, (_, i) => 7 + 10 ** (i / 10))
    const [byLogs = 0, bent = 0] = [logWarp(losses), bentWarp(losses)].map(
      (warp) => warped(warp, 20) - warped(warp, 10),
    )
    expect(byLogs).toBeGreaterThan(4 * bent)
    expect(logWarp(losses).logJacobian).toBeGreaterThan(bentWarp(losses).logJacobian)
  })

  test('does not let a few terrible losses set the scale, nor equal ones', () => {
    const warp = straightWarp(Float64Array.of(1, 2, 3, 4, 5, 6, 7, 1e12))
    expect(warped(warp, 7) - warped(warp, 1)).toBeGreaterThan(0.5)
    expect(warped(warp, 1e12)).toBe(warped(warp, 1e9))
    for (const make of [straightWarp, bentWarp, logWarp]) expect(warped(make(Float64Array.of(3, 3, 3)), 3)).toBe(0)
  })
})
