import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import { beliefAt, growFactor, posteriorOf, viewOf } from '../../../src/search/numeric/gp_posterior.ts'
import { leaveOneOut } from '../../../src/search/numeric/leave_one_out.ts'

const kernel = { weights: Float64Array.of(8), scale: 1.3, noise: 0.05 }

function posterior(places: Float64Array, values: Float64Array) {
  const columns = { count: places.length, columns: [places], isCategory: [false] }
  return posteriorOf(kernel, columns, growFactor(kernel, columns, undefined, kernel.noise).factor, values)
}

const rng = stream(1, 'places')
const places = Float64Array.from({ length: 20 }, () => rng.uniform())

describe('what is predicted of each value from the others', () => {
  test('is what a model without it predicts', () => {
    const values = places.map((x) => Math.sin(6 * x) + 0.3 * rng.normal())
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    let [wrong, spread] = [0, 0]
    for (const [i, value] of values.entries()) {
      const others = posterior(places.filter((_, j) => j !== i), values.filter((_, j) => j !== i)) // prettier-ignore
      wrong += (value - beliefAt(others, viewOf(others).whiten(places.subarray(i, i + 1))).mean) ** 2
      spread += (value - (mean * 20 - value) / 19) ** 2
    }
    expect(leaveOneOut(posterior(places, values), values)).toBeCloseTo(1 - wrong / spread, 9)
  })

  test('is nearly all of a smooth function, and nothing of noise', () => {
    const smooth = places.map((x) => Math.sin(6 * x))
    expect(leaveOneOut(posterior(places, smooth), smooth)).toBeGreaterThan(0.95)
    const noise = places.map(() => rng.normal())
    expect(leaveOneOut(posterior(places, noise), noise)).toBeLessThan(0.2)
  })

  test('is undefined where all values are alike', () => {
    const flat = places.map(() => 0)
    expect(leaveOneOut(posterior(places, flat), flat)).toBeUndefined()
  })
})
