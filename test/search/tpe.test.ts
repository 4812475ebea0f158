import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { random } from '../../src/search/random.ts'
import { sobol } from '../../src/search/sobol.ts'
import { tpe } from '../../src/search/tpe.ts'
import {
  choice,
  decodeSpace,
  encodeSpace,
  int,
  oneOf,
  ordinal,
  spaceDims,
  uniform,
  type Dim,
  type Point,
} from '../../src/space.ts'
import type { Outcome, Trial } from '../../src/trial.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { branin, hartmann6, numbers, regret, rosenbrock5, type TestFunction } from './functions.ts'
import { firstPoints, historyOf, trialOf } from './histories.ts'

samplerContract(tpe())
samplerContract(tpe({ startup: 0, candidates: 3, good: 0.5 }))

const running: Outcome = { state: 'running' }
const failed: Outcome = { state: 'failed', code: 'trial/diverged', message: 'the loss is NaN' }

/** Trials at even places of one dimension, whose ends are told by the place. */
function line(count: number, endAt: (x: number) => { losses: readonly number[]; outcome?: Outcome }): readonly Trial[] {
  return Array.from({ length: count }, (_, n) => {
    const x = (n + 0.5) / count
    const { losses, outcome } = endAt(x)
    return trialOf(n, losses, { point: [x], outcome: outcome ?? { state: 'complete' } })
  })
}

/** What is suggested, over many draws, after the same trials. */
function suggestions(dims: readonly Dim[], trials: readonly Trial[], draws = 40): readonly Point[] {
  return Array.from({ length: draws }, (_, n) => tpe().suggest(historyOf(dims, trials), stream(7, n))?.point ?? [])
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function firsts(points: readonly Point[]): readonly number[] {
  return points.map(([x = Number.NaN]) => x)
}

describe('tpe beats random search in the median of twenty seeds', () => {
  const noisy = 0.2
  test.each([
    ['Branin', branin, 40, 0],
    ['Hartmann 6', hartmann6, 50, 0],
    ['Rosenbrock 5', rosenbrock5, 50, 0],
    ['Hartmann 6 with noise', hartmann6, 50, noisy],
  ] satisfies [string, TestFunction, number, number][])('on %s, by half of what is lacking', (_, fn, trials, noise) => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const [learned = Infinity, byChance = 0] = [tpe(), random()].map((sampler) =>
      quantile(
        seeds.map((seed) => regret(sampler, fn, seed, trials, noise)),
        0.5,
      ),
    )
    expect(learned).toBeLessThan(byChance / 2)
  })
})

describe('tpe', () => {
  test('gives the points it always gave', () => {
    expect(firstPoints(tpe(), 5)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.777119 0.730944 0.599794",
        "0.448118 0.067031 0.332931",
        "0.673820 0.993139 0.428345",
        "0.014946 0.327954 0.685227",
      ]
    `)
    expect(firstPoints(tpe({ startup: 2 }), 5)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.474603 0.300000 0.500000",
        "0.543546 0.300000 0.500000",
        "0.125033 0.100000 0.166667",
        "0.109637 0.100000 0.166667",
      ]
    `)
  })

  test('spreads its first trials as sobol does', () => {
    expect(firstPoints(tpe(), 5)).toEqual(firstPoints(sobol(), 5))
  })

  test('looks where the good trials are', () => {
    const points = suggestions(
      numbers(1),
      line(30, (x) => ({ losses: [(x - 0.2) ** 2] })),
    )
    expect(mean(firsts(points).map((x) => Math.abs(x - 0.2)))).toBeLessThan(0.06)
  })

  test('learns from the order of pruned trials when few are complete', () => {
    const pruned = { outcome: { state: 'pruned' } } as const
    const trials = line(30, (x) =>
      Math.abs(x - 0.7) < 0.1 ? { losses: [5, 4], ...pruned } : { losses: [1], ...pruned },
    )
    expect(mean(firsts(suggestions(numbers(1), trials)).map((x) => Math.abs(x - 0.7)))).toBeLessThan(0.12)
  })

  test('keeps away from where trials failed or gave NaN', () => {
    const trials = line(24, (x) =>
      x > 0.5 ? { losses: x > 0.75 ? [] : [Number.NaN], outcome: failed } : { losses: [1] },
    )
    expect(firsts(suggestions(numbers(1), trials)).filter((x) => x > 0.5).length).toBeLessThan(8)
  })

  test('moves away from running trials', () => {
    const trials = line(30, (x) => ({ losses: [(x - 0.2) ** 2] }))
    const alone = suggestions(numbers(1), trials)
    const beside = Array.from({ length: 5 }, (_, i) =>
      trialOf(30 + i, [], { point: [0.18 + i / 100], outcome: running }),
    )
    const together = suggestions(numbers(1), [...trials, ...beside])
    const near = (points: readonly Point[]) => mean(firsts(points).map((x) => Math.abs(x - 0.2)))
    expect(near(together)).toBeGreaterThan(1.2 * near(alone))
  })

  test('tries every combination of levels once before it repeats one', () => {
    const space = { a: choice('x', 'y', 'z'), b: int(1, 4), c: oneOf({ on: { d: ordinal(1, 2) }, off: {} }) }
    const dims = spaceDims(space)
    const seen = new Set<string>()
    const trials: Trial[] = []
    for (let n = 0; n < 36; n++) {
      const values = decodeSpace(space, tpe().suggest(historyOf(dims, trials), stream(1, n))?.point ?? [])
      const point = encodeSpace(space, values)
      const state = n % 3 === 0 ? 'running' : 'complete'
      seen.add(point.join())
      trials.push(trialOf(n, state === 'running' ? [] : [values.b], { point, outcome: { state } }))
    }
    expect(seen.size).toBe(36)
    expect(tpe().suggest(historyOf(dims, trials), stream(1, 36))?.point).toHaveLength(dims.length)
  })

  test('finds the good branch, and what is good in it', () => {
    const space = { a: oneOf({ bad: { x: uniform(0, 1) }, good: { x: uniform(0, 1) } }) }
    const dims = spaceDims(space)
    const rng = stream(1, 'branches')
    const trials = Array.from({ length: 30 }, (_, n) => {
      const values = decodeSpace(
        space,
        dims.map(() => rng.uniform()),
      )
      const loss = values.a.kind === 'bad' ? 1 + values.a.x : (values.a.x - 0.8) ** 2
      return trialOf(n, [loss], { point: encodeSpace(space, values) })
    })
    const chosen = suggestions(dims, trials).map((point) => decodeSpace(space, point).a)
    const good = chosen.filter(({ kind }) => kind === 'good')
    expect(good.length).toBeGreaterThan(36)
    expect(mean(good.map(({ x }) => Math.abs(x - 0.8)))).toBeLessThan(0.12)
  })

  test.each([
    [{ candidates: 0 }, 'tpe({ candidates: 0 }): must be at least 1'],
    [{ good: 1 }, 'tpe({ good: 1 }): must lie between 0 and 1'],
  ])('refuses options that make no sense: %j', (options, message) => {
    expect(() => tpe(options)).toThrow(message)
  })
})
