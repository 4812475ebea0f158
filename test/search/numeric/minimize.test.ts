import { describe, expect, test } from 'vitest'
import { minimizeInBox, type Smooth } from '../../../src/search/numeric/minimize.ts'

const rosenbrock: Smooth = (x, slopes) => {
  let sum = 0
  slopes.fill(0)
  for (let i = 0; i + 1 < x.length; i++) {
    const [bend, off] = [x[i + 1]! - x[i]! ** 2, 1 - x[i]!]
    sum += 100 * bend ** 2 + off ** 2
    slopes[i]! -= 400 * bend * x[i]! + 2 * off
    slopes[i + 1]! += 200 * bend
  }
  return sum
}
const start = [-1.2, 1, 1, 1, 1]
const low = start.map(() => -2)
const options = { iterations: 200, tolerance: 1e-6 }

describe('minimizeInBox', () => {
  test('finds the minimum that scipy finds within a box', () => {
    // scipy 1.10: optimize.minimize(rosen, method='L-BFGS-B'), 29 calls
    let calls = 0
    const counted: Smooth = (x, slopes) => (calls++, rosenbrock(x, slopes))
    const { x, value } = minimizeInBox(counted, start, low, [0.5, 2, 0.1, 2, 2], options)
    expect(value).toBeCloseTo(2.645665887627574, 9)
    for (const [i, at] of [0.5, 0.263037, 0.079962, 0.016232, 0.000263].entries()) expect(x[i]).toBeCloseTo(at, 5)
    expect(calls).toBeLessThan(60)
  })

  test('finds the minimum of a valley that is long and narrow', () => {
    const narrow: Smooth = (x, slopes) => {
      slopes[0] = 2 * (x[0]! - 0.3)
      slopes[1] = 2e6 * (x[1]! - 0.7)
      return (x[0]! - 0.3) ** 2 + 1e6 * (x[1]! - 0.7) ** 2
    }
    const { x } = minimizeInBox(narrow, [0.9, 0.1], [0, 0], [1, 1], options)
    expect([x[0]!, x[1]!].map((at) => Math.round(at * 1e5) / 1e5)).toEqual([0.3, 0.7])
  })

  test('stays in a corner that the slopes press it into, and begins within the box', () => {
    const plane: Smooth = (x, slopes) => (slopes.set([1, -2]), x[0]! - 2 * x[1]!)
    expect(minimizeInBox(plane, [7, -7], [0, 0], [1, 1], options).x).toEqual(Float64Array.of(0, 1))
  })

  test('steps back from where the function is not a number', () => {
    const fenced: Smooth = (x, slopes) => (
      (slopes[0] = 1 - 1 / x[0]!),
      x[0]! > 0.2 ? x[0]! - Math.log(x[0]!) : Number.NaN
    )
    expect(minimizeInBox(fenced, [9], [-10], [10], options).x[0]).toBeCloseTo(1, 3)
  })
})
