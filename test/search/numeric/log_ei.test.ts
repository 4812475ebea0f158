import { expect, test } from 'vitest'
import { logEi } from '../../../src/search/numeric/log_ei.ts'

// mpmath, 60 and more digits: log h, -cdf / h and density / (2 h) for h = density(z) + z cdf(z), by the mean -z
const reference = [
  [-3, 1.0987396653277077, -0.3328409684517952, 0.0007385473223071467],
  [0, -0.9189385332046728, -1.2533141373155003, 0.5],
  [0.9999, -2.484930602199176, -1.904199036177194, 1.4520043081367882],
  [1, -2.4851210257126413, -1.9042712333296918, 1.4521356166648458],
  [25, -319.86146358149597, -25.07962023426653, 313.99525292833164],
  [99, -4910.609484215455, -99.02019584095312, 4901.999694127179],
  [101, -5110.649473554864, -101.01979616064943, 5101.999706112796],
  [1000, -500014.73445209116, -1000.001999994, 500001.49999700004],
  [1e5, -5000000023.94479, -100000.00002, 5000000001.5],
] as const

test.each(reference)(
  'the log expected improvement of a mean %d above the best is right deep in the tail',
  (mean, ...expected) => {
    const { value, byMean, byVariance } = logEi(mean, 1, 0)
    for (const [i, got] of [value, byMean, byVariance].entries())
      expect(Math.abs(got / expected[i]! - 1)).toBeLessThan(1e-11)
  },
)

test('the unit of losses moves the log expected improvement by its logarithm', () => {
  expect(logEi(7, 9, 4).value).toBeCloseTo(logEi(1, 1, 0).value + Math.log(3), 12)
})

test('its slopes are those of its value', () => {
  for (const [mean, variance] of [
    [0.3, 2],
    [-0.5, 0.1],
    [0.6, 0.04],
    [60, 0.2],
  ] as const) {
    const at = (m: number, v: number) => logEi(m, v, 0.1).value
    const [dm, dv] = [1e-6, 1e-6 * variance]
    const { byMean, byVariance } = logEi(mean, variance, 0.1)
    expect((at(mean + dm, variance) - at(mean - dm, variance)) / (2 * dm) / byMean).toBeCloseTo(1, 5)
    expect((at(mean, variance + dv) - at(mean, variance - dv)) / (2 * dv) / byVariance).toBeCloseTo(1, 5)
  }
})

test('nothing is expected below a bound that is infinitely low', () => {
  expect(logEi(0, 1, -Infinity).value).toBe(-Infinity)
})
