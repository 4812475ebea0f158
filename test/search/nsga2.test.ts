import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { nsga2 } from '../../src/search/nsga2.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { random } from '../../src/search/random.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import type { Point } from '../../src/space.ts'
import { best, front, type Goal, type History, type Trial } from '../../src/trial.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { branin, numbers, regret } from './functions.ts'
import { firstPoints, frozen, trialOf } from './histories.ts'

samplerContract(nsga2())
samplerContract(nsga2({ population: 4 }))

const goals: readonly Goal[] = [
  { direction: 'minimize', metric: 'cost' },
  { direction: 'maximize', metric: 'quality' },
]

/** ZDT1 in six dimensions (Zitzler et al. 2000), the second goal turned to be maximized. Its front: 1 - sqrt(cost). */
function zdt1([x = 0, ...rest]: Point): { readonly cost: number; readonly quality: number } {
  const g = 1 + (9 * rest.reduce((sum, y) => sum + y, 0)) / rest.length
  return { cost: x, quality: -g * (1 - Math.sqrt(x / g)) }
}

function study(
  sampler: Sampler,
  seed: number,
  count: number,
  constraints: NonNullable<History['constraints']> = [],
): History {
  const dims = numbers(6)
  const trials: Trial[] = []
  for (let n = 0; n < count; n++) {
    const history = { dims, goals, constraints, trials: [...trials] }
    const point = sampler.suggest(history, stream(seed, 'suggest', n))?.point ?? []
    const reports = [{ step: 1, metrics: zdt1(point), at: 0 }]
    trials.push({ ...trialOf(n, [], { point, seed }), reports })
  }
  return { dims, goals, constraints, trials }
}

/** The area between a front and the corner of a cost of 1 and a quality of -7. */
function hypervolume(history: History): number {
  const points = front(history).map(({ reports }) => reports[0]?.metrics ?? {})
  let [area, floor] = [0, -7]
  for (const { cost = 1, quality = -7 } of points
    .toSorted((a, b) => (b['cost'] ?? 0) - (a['cost'] ?? 0))
    .toReversed()) {
    area += (1 - cost) * Math.max(0, quality - floor)
    floor = Math.max(floor, quality)
  }
  return area
}

describe('nsga2', () => {
  test('gives the points it always gave', () => {
    expect(firstPoints(nsga2({ population: 4 }), 6)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.777119 0.730944 0.599794",
        "0.448118 0.067031 0.332931",
        "0.500000 0.500000 0.500000",
        "0.141949 0.900000 0.833333",
        "0.500000 0.500000 0.500000",
      ]
    `)
  })

  test('covers more of a front than random search, in the median of twenty seeds', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const [bred = 0, byChance = 0] = [nsga2, random].map((sampler) =>
      quantile(
        seeds.map((seed) => hypervolume(study(sampler(), seed, 240))),
        0.5,
      ),
    )
    // 7 and two thirds is all there is.
    expect(7 + 2 / 3 - bred).toBeLessThan(0.7 * (7 + 2 / 3 - byChance))
  })

  test('lowers a single goal further than random search, in the median of twenty seeds', () => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const [bred = Infinity, byChance = 0] = [nsga2({ population: 10 }), random()].map((sampler) =>
      quantile(
        seeds.map((seed) => regret(sampler, branin, seed, 120)),
        0.5,
      ),
    )
    expect(bred).toBeLessThan(byChance / 2)
  })

  test('breeds among trials that keep the constraints, where there are some', () => {
    const constraints = [{ metric: 'cost', atLeast: 0.6 }]
    const { trials } = study(nsga2({ population: 12 }), 1, 150, constraints)
    const late = trials.slice(-60).filter(({ reports }) => (reports[0]?.metrics['cost'] ?? 0) >= 0.6)
    expect(late.length).toBeGreaterThan(45)
    expect(best({ goals, constraints, trials })?.reports[0]?.metrics['cost']).toBeGreaterThanOrEqual(0.6)
  })

  test('answers as one that was never asked before', () => {
    const { trials, ...rest } = study(nsga2({ population: 8 }), 2, 50)
    const asked = nsga2({ population: 8 })
    for (const count of [50, 9, 30, 31, 50]) {
      const history = frozen({ ...rest, trials: trials.slice(0, count) })
      expect(asked.suggest(history, stream(1, count))).toEqual(
        nsga2({ population: 8 }).suggest(history, stream(1, count)),
      )
    }
  })

  test('refuses a population that cannot compete', () => {
    expect(() => nsga2({ population: 3 })).toThrow('nsga2({ population: 3 }): must be a whole number of at least 4')
  })
})
