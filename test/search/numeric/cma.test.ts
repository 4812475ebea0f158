import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import {
  deviations,
  nextCma,
  sampleCma,
  settingsFor,
  startCma,
  strangeness,
  warmCma,
} from '../../../src/search/numeric/cma.ts'
import { choleskyOf, solveLower, timesLower } from '../../../src/search/numeric/lower.ts'

const generation = [
  [0.858, 0.487, 0.319],
  [0.127, 0.345, 0.229],
  [0.483, 0.275, 0.291],
  [0.405, 0.137, 0.477],
  [0.676, 0.742, 0.31],
  [0.419, 0.291, -0.009],
  [0.696, 0.18, 0.063],
].map((sample) => Float64Array.from(sample))

function lossAt([x = 0, y = 0, z = 0]: Float64Array): number {
  return (x - 0.3) ** 2 + 2 * (y - 0.6) ** 2 + 3 * (x - z) ** 2
}

/** To twelve digits, so that 0 and -0 are the same too. */
function digits(values: Iterable<number>): readonly number[] {
  return Array.from(values, (value) => Number(value.toFixed(12)) + 0)
}

describe('a covariance matrix adaptation', () => {
  // From one `tell` of Python's cmaes 0.13.1 with the same samples, mean (0.5, 0.4, 0.3) and sigma 0.2.
  test('moves as the reference does', () => {
    const cma = startCma(Float64Array.of(0.5, 0.4, 0.3), 0.2)
    const next = nextCma(
      cma,
      generation.toSorted((a, b) => lossAt(a) - lossAt(b)),
      settingsFor(3, 7),
    )!
    expect(digits(next.mean)).toEqual(digits([0.2650308195441662, 0.2992236945032049, 0.27729501868017015]))
    expect(next.sigma).toBeCloseTo(0.19875348486274136, 12)
    expect(digits(next.C)).toEqual(digits([1.1563590324485509, 0.14086213011763415, 0.0735340603310972, 0.14086213011763418, 0.9626886721909701, -0.0742230733795531, 0.07353406033109718, -0.07422307337955308, 0.8598294097700555])) // prettier-ignore
    expect(digits(next.pC)).toEqual(digits([-1.5831680333556288, -0.6790074556701121, -0.15298091670472466]))
  })

  test('is not carried away by a sample from far off', () => {
    const cma = startCma(Float64Array.of(0.5, 0.4, 0.3), 0.02)
    const next = nextCma(cma, generation, settingsFor(3, 7))!
    // No step counts for more than sqrt(n) + 2 n / (n + 2) deviations.
    expect(Math.hypot(...next.mean.map((m, i) => m - cma.mean[i]!))).toBeLessThan(0.02 * (Math.sqrt(3) + 6 / 5))
    expect(next.sigma).toBeLessThan(0.02 * Math.E)
  })

  test('finds samples of its own usual, and an even spread strange', () => {
    const rng = stream(1, 'strange')
    const cma = startCma(new Float64Array(5).fill(0.5), 1 / 6)
    const own = Array.from({ length: 200 }, () =>
      sampleCma(
        cma,
        cma.mean.map(() => rng.normal()),
      ),
    )
    const even = Array.from({ length: 200 }, () => cma.mean.map(() => rng.uniform()))
    expect(strangeness(cma, own)).toBeCloseTo(1, 0)
    expect(strangeness(cma, even)).toBeCloseTo(3, 0)
  })

  test('starts warm with the mean and the covariance of good samples', () => {
    const good = [Float64Array.of(0.2, 0.3), Float64Array.of(0.6, 0.5)]
    const { mean, sigma, C } = warmCma(good, 0.1)
    expect(digits(mean)).toEqual(digits([0.4, 0.4]))
    expect(digits(C.map((value) => value * sigma ** 2))).toEqual(digits([0.01 + 0.04, 0.02, 0.02, 0.01 + 0.01])) // prettier-ignore
    expect(digits(deviations(warmCma(good, 0.1)))).toEqual(digits([Math.sqrt(0.05), Math.sqrt(0.02)]))
  })
})

describe('a lower factor', () => {
  const matrix = Float64Array.of(4, 2, 0.6, 2, 5, 1, 0.6, 1, 3)

  test('times itself is the matrix, and solving undoes a product', () => {
    const factor = choleskyOf(matrix, 3)!
    // numpy.linalg.cholesky
    expect(digits(factor)).toEqual(digits([2, 0, 0, 1, 2, 0, 0.3, 0.35, 1.6695807857064]))
    const x = Float64Array.of(0.3, -1, 2)
    expect(digits(solveLower(factor, timesLower(factor, x)))).toEqual(digits([...x]))
  })

  test('is not there for a matrix that is not positive definite', () => {
    expect(choleskyOf(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined()
  })
})
