import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { auto } from '../../src/search/auto.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { random } from '../../src/search/random.ts'
import { sobol } from '../../src/search/sobol.ts'
import { choice, decodeSpace, encodeSpace, spaceDims, uniform, type Dim, type Point } from '../../src/space.ts'
import type { Goal, Trial } from '../../src/trial.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { branin, hartmann6, numbers, regret } from './functions.ts'
import { firstPoints, frozen, historyOf, minimizeLoss, trialOf } from './histories.ts'

samplerContract(auto())

/** Evenly spread trials of a function. */
function spread(dims: readonly Dim[], count: number, lossAt: (point: Point) => number): readonly Trial[] {
  const trials: Trial[] = []
  for (let n = 0; n < count; n++) {
    const point = sobol({ seed: 1 }).suggest(historyOf(dims, trials), stream(1, n))?.point ?? []
    trials.push(trialOf(n, [lossAt(point)], { point }))
  }
  return trials
}

function reason(dims: readonly Dim[], trials: readonly Trial[], goals: readonly Goal[] = [minimizeLoss]): string {
  return auto().suggest(historyOf(dims, trials, goals), stream(2, 'suggest', trials.length))?.reason ?? ''
}

describe('auto', () => {
  test('gives the points it always gave', () => {
    expect(firstPoints(auto(), 8)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.777119 0.730944 0.599794",
        "0.448118 0.067031 0.332931",
        "0.673820 0.993139 0.428345",
        "0.014946 0.327954 0.685227",
        "0.000000 0.100000 0.166667",
        "0.000000 0.100000 0.500000",
        "0.000000 0.300000 0.166667",
      ]
    `)
  })

  test('lowers Branin further than random search by far, in the median of eight seeds', () => {
    const [learned = Infinity, byChance = 0] = [auto(), random()].map((sampler) =>
      quantile(
        Array.from({ length: 8 }, (_, seed) => regret(sampler, branin, seed, 22)),
        0.5,
      ),
    )
    expect(learned).toBeLessThan(byChance / 10)
  })

  test('follows a model of the landscape while trials are few enough for one', () => {
    expect(reason(numbers(6), spread(numbers(6), 16, hartmann6.at))).toMatch(/^gp, for few trials: the largest/)
    expect(reason(numbers(2), spread(numbers(2), 33, branin.at))).toMatch(/^gp, for fewer than 400 trials: the largest/)
  })

  test('asks the runner-up for every eighth trial, once there are thirty', () => {
    const trials = spread(numbers(2), 39, branin.at)
    expect(reason(numbers(2), trials.slice(0, 23))).toMatch(/^gp/)
    expect(reason(numbers(2), trials)).toMatch(/^tpe, now and then beside gp: of \d+ points/)
  })

  test('leaves a Gaussian process when there are many trials or parameters', () => {
    expect(reason(numbers(2), spread(numbers(2), 401, branin.at))).toMatch(/^cmaes, for more than 400 trials: /)
    const options = spaceDims({ a: choice(1, 2, 3), b: choice(1, 2), c: uniform(0, 1) })
    expect(
      reason(
        options,
        spread(options, 401, ([a = 0]) => a),
      ),
    ).toMatch(/^tpe, for more than 400 trials: /)
    expect(
      reason(
        numbers(60),
        spread(numbers(60), 24, ([x = 0]) => x),
      ),
    ).toMatch(/^tpe, for 60 parameters: /)
  })

  test('looks at all goals: first by models, then by breeding', () => {
    const goals: Goal[] = [minimizeLoss, { direction: 'maximize', metric: 'loss' }]
    const trials = spread(numbers(2), 202, branin.at)
    expect(reason(numbers(2), trials.slice(0, 20), goals)).toMatch(/^gp, for 2 goals and few trials: /)
    expect(reason(numbers(2), trials, goals)).toMatch(/^nsga2, for 2 goals and many trials or parameters: /)
  })

  test('answers as one that was never asked before', () => {
    const space = { a: choice('x', 'y'), b: uniform(0, 1), c: uniform(0, 1) }
    const dims = spaceDims(space)
    const trials = spread(dims, 40, ([a = 0, b = 0, c = 0]) => (a < 0.5 ? 1 : 0) + (b - 0.3) ** 2 + c).map((trial) => {
      return { ...trial, point: encodeSpace(space, decodeSpace(space, trial.point)) }
    })
    const asked = auto()
    for (const count of [40, 12, 33, 40]) {
      const history = frozen(historyOf(dims, trials.slice(0, count)))
      expect(asked.suggest(history, stream(3, count))).toEqual(auto().suggest(history, stream(3, count)))
    }
  })
})
