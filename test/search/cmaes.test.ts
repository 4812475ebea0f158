import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { cmaes } from '../../src/search/cmaes.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { random } from '../../src/search/random.ts'
import { choice, decodeSpace, encodeSpace, int, oneOf, spaceDims, uniform, type Point } from '../../src/space.ts'
import type { Trial } from '../../src/trial.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { branin, hartmann6, numbers, regret, rosenbrock5, type TestFunction } from './functions.ts'
import { firstPoints, frozen, historyOf, trialOf } from './histories.ts'

samplerContract(cmaes())
samplerContract(cmaes({ population: 3 }))

/** A study of `count` trials, the loss of each told by its point. */
function study(count: number, lossAt: (point: Point) => number, dims = numbers(2)): Trial[] {
  const trials: Trial[] = []
  const sampler = cmaes()
  for (let n = 0; n < count; n++) {
    const point = sampler.suggest(historyOf(dims, trials), stream(5, 'suggest', n))?.point ?? []
    trials.push(trialOf(n, [lossAt(point)], { point }))
  }
  return trials
}

function distance(point: Point, to: number): number {
  return Math.hypot(...point.map((x) => x - to))
}

describe('cmaes beats random search in the median of twenty seeds', () => {
  test.each([
    ['Branin', branin, 80, 0],
    ['Hartmann 6', hartmann6, 100, 0],
    ['Rosenbrock 5', rosenbrock5, 80, 0],
    ['Hartmann 6 with noise', hartmann6, 120, 0.2],
  ] satisfies [string, TestFunction, number, number][])('on %s, by half of what is lacking', (_, fn, trials, noise) => {
    const [learned = Infinity, byChance = 0] = [cmaes(), random()].map((sampler) =>
      quantile(
        Array.from({ length: 20 }, (_, seed) => regret(sampler, fn, seed, trials, noise)),
        0.5,
      ),
    )
    expect(learned).toBeLessThan(byChance / 2)
  })
})

describe('cmaes', () => {
  test('gives the points it always gave', () => {
    expect(firstPoints(cmaes({ population: 3 }), 6)).toMatchInlineSnapshot(`
      [
        "0.721505 0.300000 0.500000",
        "0.404226 0.500000 0.833333",
        "0.565879 0.500000 0.166667",
        "0.161232 0.300000 0.166667",
        "0.589358 0.700000 0.166667",
        "0.243219 0.300000 0.166667",
      ]
    `)
  })

  test('closes in on a valley that runs across the axes', () => {
    const valley = ([x = 0, y = 0]: Point) => (x + y - 0.6) ** 2 + 100 * (x - y - 0.2) ** 2
    const trials = study(250, valley)
    const late = trials.slice(-20).map(({ point }) => Math.hypot((point[0] ?? 0) - 0.4, (point[1] ?? 0) - 0.2))
    expect(quantile(late, 0.5)).toBeLessThan(1e-4)
  })

  test('answers as one that was never asked before, whatever order trials ended in', () => {
    const dims = numbers(3)
    const asked = cmaes()
    const rng = stream(1, 'order')
    const trials: Trial[] = []
    for (let n = 0; n < 60; n++) {
      const history = frozen(historyOf(dims, [...trials]))
      const suggestion = asked.suggest(history, stream(2, n))
      expect(suggestion).toEqual(cmaes().suggest(history, stream(2, n)))
      trials.push(trialOf(n, [], { point: suggestion?.point ?? [], outcome: { state: 'running' } }))
      for (const [i, { point, outcome }] of trials.entries()) {
        if (outcome.state === 'running' && rng.below(4) === 0) trials[i] = trialOf(i, [distance(point, 0.3)], { point })
      }
    }
  })

  test('goes on from the good among trials that others suggested', () => {
    const earlier = Array.from({ length: 60 }, (_, n) => {
      const rng = stream(3, n)
      const point = [rng.uniform(), rng.uniform()]
      return trialOf(n, [distance(point, 0.9)], { point })
    })
    const next = Array.from({ length: 20 }, (_, n) => cmaes().suggest(historyOf(numbers(2), earlier), stream(4, n)))
    const mean = next.reduce((sum, suggestion) => sum + distance(suggestion?.point ?? [], 0.9), 0) / next.length
    expect(mean).toBeLessThan(0.3)
  })

  test('keeps trying other whole numbers until it has found the best', () => {
    const space = { a: int(0, 10), b: int(1, 4), x: uniform(0, 1) }
    const dims = spaceDims(space)
    const trials: Trial[] = []
    const sampler = cmaes()
    for (let n = 0; n < 200; n++) {
      const suggested = sampler.suggest(historyOf(dims, trials), stream(6, n))?.point ?? []
      const { a, b, x } = decodeSpace(space, suggested)
      const loss = (a - 8) ** 2 + 3 * (b - 1) ** 2 + (x - 0.7) ** 2
      trials.push(trialOf(n, [loss], { point: encodeSpace(space, { a, b, x }) }))
    }
    const late = trials.slice(-40).map(({ point }) => decodeSpace(space, point))
    expect(late.filter(({ a, b }) => a === 8 && b === 1).length).toBeGreaterThan(20)
    expect(late.filter(({ a, b }) => a !== 8 || b !== 1).length).toBeGreaterThan(0)
  })

  test('finds the good branch, and what is good in it', () => {
    const space = { a: oneOf({ bad: { x: uniform(0, 1) }, good: { x: uniform(0, 1) } }), c: choice('p', 'q', 'r') }
    const dims = spaceDims(space)
    const trials: Trial[] = []
    const sampler = cmaes()
    for (let n = 0; n < 120; n++) {
      const values = decodeSpace(space, sampler.suggest(historyOf(dims, trials), stream(8, n))?.point ?? [])
      const loss = (values.a.kind === 'bad' ? 1 : 0) + (values.a.x - 0.8) ** 2 + (values.c === 'q' ? 0 : 0.2)
      trials.push(trialOf(n, [loss], { point: encodeSpace(space, values) }))
    }
    const late = trials.slice(-30).map(({ point }) => decodeSpace(space, point))
    expect(late.filter(({ a, c }) => a.kind === 'good' && c === 'q').length).toBeGreaterThan(20)
    expect(
      quantile(
        late.map(({ a }) => Math.abs(a.x - 0.8)),
        0.5,
      ),
    ).toBeLessThan(0.05)
  })

  test('starts again elsewhere, with more trials a generation, when it has converged', () => {
    const trials = study(700, (point) => distance(point, 0.3))
    const reason = cmaes().suggest(historyOf(numbers(2), trials), stream(1))?.reason
    expect(reason).toMatch(/restarted [1-9]/)
    expect(Math.max(...trials.slice(400).map(({ point }) => distance(point, 0.3)))).toBeGreaterThan(0.3)
  })

  test('refuses a population that cannot be ranked', () => {
    expect(() => cmaes({ population: 2 })).toThrow('cmaes({ population: 2 }): must be a whole number of at least 3')
  })
})
