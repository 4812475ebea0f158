import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import { fitKernel, levelOf, negativeLogPosterior, type Kernel } from '../../../src/search/numeric/gp_fit.ts'
import {
  beliefAt,
  growFactor,
  meansAtSeen,
  posteriorOf,
  supposing,
  viewOf,
} from '../../../src/search/numeric/gp_posterior.ts'
import { isStartOf, startOf, type Columns } from '../../../src/search/numeric/matern.ts'

// numpy and scipy 1.10: a covariance matrix by hand, multivariate_normal.logpdf, and linalg.solve
const columns: Columns = {
  count: 6,
  columns: [
    Float64Array.of(0.94, 0.36, 0.7, 0.67, 0.21, 0.32),
    Float64Array.of(0.68, 0.44, 0.06, 0.67, 0.13, 0.36),
    Float64Array.of(0, 1, 2, 0, 1, 0),
  ],
  isCategory: [false, false, true],
}
const values = Float64Array.of(-1.71, 1.95, -0.51, -0.44, -1.25, 0.78)
const kernel: Kernel = { weights: Float64Array.of(4, 9, 0.5), scale: 1.3, noise: 0.05 }
const posterior = posteriorOf(kernel, columns, growFactor(kernel, columns, undefined, kernel.noise).factor, values)

function logsOf({ weights, scale, noise }: Kernel): Float64Array {
  return Float64Array.of(...weights.map((weight) => -0.5 * Math.log(weight)), Math.log(scale), Math.log(noise))
}

/** Points at random in four dimensions of which one has three categories, and a function of two of them with noise. */
function sample(count: number) {
  const rng = stream(2, 'sample')
  const columns = Array.from({ length: 4 }, (_, d) =>
    Float64Array.from({ length: count }, () => (d === 3 ? rng.below(3) : rng.uniform())),
  )
  const values = Float64Array.from({ length: count }, (_, i) => Math.sin(6 * columns[0]![i]!) + (columns[3]![i] === 1 ? 1 : 0) + 0.1 * rng.normal()) // prettier-ignore
  return { columns: { count, columns, isCategory: [false, false, false, true] }, values }
}

describe('a Gaussian process', () => {
  test('has the likelihood around its level and the priors of scipy', () => {
    const value = negativeLogPosterior(columns, values)(logsOf(kernel), new Float64Array(5))
    expect(value).toBeCloseTo(5.822252817808853 + 4.566864092345034, 10)
    expect(levelOf(posterior.factor, values)).toBeCloseTo(-0.40842755213619325, 12)
  })

  test('takes values that stand close together for few, so that where a search converged is not expected anywhere', () => {
    const spread = [0, 0.2, 0.4, 0.6, 0.8, 1]
    const close = Array.from({ length: 60 }, (_, i) => 0.5 + i / 6000)
    const columns = { count: 66, columns: [Float64Array.of(...spread, ...close)], isCategory: [false] }
    const kernel = { weights: Float64Array.of(100), scale: 1, noise: 1e-6 }
    const { factor } = growFactor(kernel, columns, undefined, kernel.noise)
    const values = Float64Array.of(...spread.map(() => 1), ...close.map(() => -2))
    expect(levelOf(factor, values)).toBeGreaterThan(0)
  })

  test('knows the slopes of its posterior by every hyperparameter', () => {
    const { columns, values } = sample(25)
    const objective = negativeLogPosterior(columns, values)
    const logs = Float64Array.of(-0.5, -1, 0.3, 0.2, 0.3, -3)
    const slopes = new Float64Array(6)
    objective(logs, slopes)
    for (const [i, slope] of slopes.entries()) {
      const [up, down] = [1e-5, -1e-5].map((step) => objective(logs.with(i, logs[i]! + step), new Float64Array(6)))
      expect((up! - down!) / 2e-5).toBeCloseTo(slope, 5)
    }
  })

  test('finds what matters, and how much noise there is', () => {
    const { columns, values } = sample(60)
    const { kernel } = fitKernel(columns, values)
    const [wave = 0, other = 0, another = 0] = kernel.weights
    expect(wave).toBeGreaterThan(20 * Math.max(other, another))
    expect(Math.sqrt(kernel.noise)).toBeGreaterThan(0.07)
    expect(Math.sqrt(kernel.noise)).toBeLessThan(0.14)
  })

  test('believes what a plain solution of its equations says', () => {
    const view = viewOf(posterior)
    const expected = [[0.3, 0.7, 1, 1.366765632210599, 0.6452529561286815], [0.9, 0.1, 2, -0.3635224125911214, 0.328980692245907]] as const // prettier-ignore
    for (const [x, y, level, mean, variance] of expected) {
      const belief = beliefAt(posterior, view.whiten(Float64Array.of(x, y, level)))
      expect(belief.mean).toBeCloseTo(mean, 12)
      expect(belief.variance).toBeCloseTo(variance, 12)
    }
  })

  test('has at what it saw the means that it has anywhere', () => {
    const view = viewOf(posterior)
    for (const [i, mean] of meansAtSeen(posterior, values).entries()) {
      const point = Float64Array.from(columns.columns, (column) => column[i]!)
      expect(beliefAt(posterior, view.whiten(point)).mean).toBeCloseTo(mean, 10)
    }
  })

  test('that supposes a point keeps all means, and is sure there', () => {
    const more: Columns = { ...columns, count: 7, columns: columns.columns.map((column, d) => Float64Array.of(...column, [0.5, 0.2, 1][d]!)) } // prettier-ignore
    const supposed = supposing(posterior, more)
    const [before, after] = [viewOf(posterior), viewOf(supposed.posterior)]
    const there = Float64Array.of(0.5, 0.2, 1)
    expect(supposed.means[0]).toBeCloseTo(beliefAt(posterior, before.whiten(there)).mean, 12)
    expect(beliefAt(supposed.posterior, after.whiten(there)).variance).toBeLessThan(1e-5)
    const away = Float64Array.of(0.45, 0.3, 1)
    const [was, is] = [beliefAt(posterior, before.whiten(away)), beliefAt(supposed.posterior, after.whiten(away))]
    expect(is.mean).toBeCloseTo(was.mean, 10)
    expect(is.variance).toBeLessThan(0.7 * was.variance)
  })

  test('knows columns that begin as others do', () => {
    expect(isStartOf(startOf(columns, 4), columns)).toBe(true)
    expect(isStartOf(columns, startOf(columns, 4))).toBe(false)
    expect(isStartOf({ ...columns, columns: columns.columns.with(1, new Float64Array(6)) }, columns)).toBe(false)
  })
})
