import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { gp } from '../../src/search/gp.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { sobolColumn } from '../../src/search/numeric/sobol_sequence.ts'
import { random } from '../../src/search/random.ts'
import { sobol } from '../../src/search/sobol.ts'
import {
  choice,
  decodeSpace,
  encodeSpace,
  int,
  oneOf,
  ordinal,
  spaceDims,
  uniform,
  type Point,
} from '../../src/space.ts'
import type { Constraint, Goal, History, Metrics, Outcome, Trial } from '../../src/trial.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { conditionalToy } from './conditional_toy.ts'
import { branin, hartmann6, numbers, regret, type TestFunction } from './functions.ts'
import { firstPoints, historyOf, trialOf } from './histories.ts'

samplerContract(gp())

const running: Outcome = { state: 'running' }
const failed: Outcome = { state: 'failed', code: 'trial/diverged', message: 'the loss is NaN' }

/** Trials at even places of one dimension. */
function line(count: number, at: (x: number) => { losses: readonly number[]; outcome?: Outcome }): readonly Trial[] {
  return Array.from({ length: count }, (_, n) => {
    const x = (n + 0.5) / count
    const { losses, outcome = { state: 'complete' } } = at(x)
    return trialOf(n, losses, { point: [x], outcome })
  })
}

function next(history: History, seed = 1): Point {
  return gp().suggest(history, stream(seed, 'suggest', history.trials.length))?.point ?? []
}

/** A study of some trials, each reporting what is measured at its point. */
function study(history: Omit<History, 'trials'>, count: number, measure: (point: Point) => Metrics, seed = 1): History {
  const sampler = gp()
  const trials: Trial[] = []
  while (trials.length < count) {
    const n = trials.length
    const point = sampler.suggest({ ...history, trials: [...trials] }, stream(seed, 'suggest', n))?.point ?? []
    trials.push({ ...trialOf(n, [], { point, seed }), reports: [{ step: 1, metrics: measure(point), at: 0 }] })
  }
  return { ...history, trials }
}

describe('gp beats random search in the median of twenty seeds', () => {
  test.each([
    ['Branin', branin, 15, 0, 3],
    ['Hartmann 6 with noise', hartmann6, 22, 0.2, 1.2],
    ['conditional parameters', conditionalToy, 26, 0, 1.3],
  ] satisfies [string, TestFunction, number, number, number][])('on %s', (_, fn, trials, noise, times) => {
    const seeds = Array.from({ length: 20 }, (_, seed) => seed)
    const [learned = Infinity, byChance = 0] = [gp(), random()].map((sampler) =>
      quantile(
        seeds.map((seed) => regret(sampler, fn, seed, trials, noise)),
        0.5,
      ),
    )
    expect(learned).toBeLessThan(byChance / times)
  })
})

describe('gp', () => {
  test('gives the points it always gave', () => {
    expect(firstPoints(gp({ startup: 3 }), 6)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.777119 0.730944 0.599794",
        "0.429270 0.500000 0.500000",
        "0.225455 0.500000 0.500000",
        "0.000000 0.500000 0.500000",
        "0.000000 0.300000 0.500000",
      ]
    `)
  })

  test('spreads its first trials as sobol does', () => {
    expect(firstPoints(gp({ startup: 6 }), 5)).toEqual(firstPoints(sobol(), 5))
  })

  test('remembers nothing that changes an answer', () => {
    const trials = line(12, (x) => ({ losses: [Math.sin(9 * x)] }))
    const sampler = gp()
    for (const count of [12, 8, 11, 12]) {
      const history = historyOf(numbers(1), trials.slice(0, count))
      expect(sampler.suggest(history, stream(1, count))).toEqual(gp().suggest(history, stream(1, count)))
    }
  })

  test('finds the lowest point of a parabola at once', () => {
    const [x = 0] = next(
      historyOf(
        numbers(1),
        line(8, (x) => ({ losses: [(x - 0.37) ** 2] })),
      ),
    )
    expect(Math.abs(x - 0.37)).toBeLessThan(0.02)
  })

  test('is not misled by the luckiest of noisy results', () => {
    const rng = stream(3, 'noise')
    const trials = line(40, (x) => ({ losses: [4 * (x - 0.7) ** 2 + 0.3 * rng.normal()] }))
    const lucky = trialOf(40, [-0.8], { point: [0.3] })
    expect(next(historyOf(numbers(1), [...trials, lucky]))[0]).toBeGreaterThan(0.45)
  })

  test('keeps away from where trials failed or gave NaN', () => {
    const trials = line(16, (x) =>
      x > 0.6 ? { losses: x > 0.8 ? [] : [Number.NaN], outcome: failed } : { losses: [-x] },
    )
    for (const seed of [1, 2, 3]) expect(next(historyOf(numbers(1), trials), seed)[0]).toBeLessThan(0.66)
  })

  test('takes pruned trials for what they would have come to', () => {
    const curve = (x: number) => [5, 3, 2].map((loss) => loss + 10 * (x - 0.6) ** 2)
    const trials = line(16, (x) => {
      const isPruned = Math.round(16 * x - 0.5) % 4 !== 0
      return { losses: curve(x).slice(0, isPruned ? 1 : 3), outcome: { state: isPruned ? 'pruned' : 'complete' } }
    })
    expect(Math.abs(next(historyOf(numbers(1), trials))[0]! - 0.6)).toBeLessThan(0.03)
  })

  test.each([3, 20])('spreads %i trials that run at once, though all expect the same', (lanes) => {
    const trials: Trial[] = [...line(8, (x) => ({ losses: [Math.cos(12 * x)] }))]
    for (let n = 8; n < 8 + lanes; n++)
      trials.push(trialOf(n, [], { point: next(historyOf(numbers(1), trials)), outcome: running }))
    const places = trials.slice(8).map(({ point }) => point[0]!)
    const gaps = places.flatMap((a, i) => places.slice(0, i).map((b) => Math.abs(a - b)))
    expect(Math.min(...gaps)).toBeGreaterThan(0.03 / lanes)
  })

  test('finds the good branch, what is good in it, and the best of its options', () => {
    const space = { branch: oneOf({ bad: { x: uniform(0, 1) }, good: { x: uniform(0, 1), c: choice('p', 'q', 'r') } }), n: int(1, 8) } // prettier-ignore
    const dims = spaceDims(space)
    const measure = (point: Point) => {
      const { branch, n } = decodeSpace(space, point)
      const inner = branch.kind === 'bad' ? 1 + branch.x : (branch.x - 0.8) ** 2 + (branch.c === 'q' ? 0 : 0.3)
      return { loss: inner + 0.05 * Math.abs(n - 6) }
    }
    const { trials } = study({ dims, goals: historyOf([], []).goals }, 36, measure)
    const best = trials.map(({ point }) => measure(point).loss).reduce((a, b) => Math.min(a, b))
    expect(best).toBeLessThan(0.01)
  })

  test('tries every combination of levels once before it repeats one', () => {
    const space = { a: choice('x', 'y', 'z'), b: ordinal(1, 2, 4) }
    const { trials } = study({ dims: spaceDims(space), goals: historyOf([], []).goals }, 9, ([a, b]) => ({
      loss: a! + b!,
    }))
    expect(new Set(trials.map(({ point }) => encodeSpace(space, decodeSpace(space, point)).join())).size).toBe(9)
  })

  test('finds the best that keeps a constraint', () => {
    const constraints: readonly Constraint[] = [{ metric: 'memory', atMost: 1 }]
    // The lowest loss is at (1, 1); within the circle, it is at (0.707, 0.707).
    const measure = ([x = 0, y = 0]: Point) => ({ loss: -x - y, memory: x * x + y * y })
    const { trials } = study({ dims: numbers(2), goals: historyOf([], []).goals, constraints }, 26, measure)
    const kept = trials.map(({ point }) => measure(point)).filter(({ memory }) => memory <= 1)
    expect(Math.min(...kept.map(({ loss }) => loss))).toBeLessThan(-1.39)
    expect(kept.length).toBeGreaterThan(9)
  })

  test('looks for something that keeps a constraint while nothing does', () => {
    const constraints: readonly Constraint[] = [{ metric: 'memory', atMost: 1e-5 }]
    const trials = line(8, () => ({ losses: [1] })).map((trial) => ({
      ...trial,
      reports: [{ step: 1, metrics: { loss: trial.point[0]!, memory: (trial.point[0]! - 0.4) ** 2 }, at: 0 }],
    }))
    const history = { ...historyOf(numbers(1), trials), constraints }
    const suggested = gp().suggest(history, stream(1, 'suggest', 8))
    expect(suggested?.point[0]).toBeCloseTo(0.4, 1)
    expect(suggested?.reason).toContain('constraint')
  })

  test.each([2, 3])('covers the front of %i goals better than chance', (count) => {
    const goals = Array.from({ length: count }, (_, g): Goal => ({ direction: g === 1 ? 'maximize' : 'minimize', metric: `m${g}` })) // prettier-ignore
    const corners = [[0.2, 0.2], [0.8, 0.2], [0.5, 0.9]] // prettier-ignore
    const losses = (point: Point) => corners.slice(0, count).map((corner) => corner.reduce((sum, c, d) => sum + (point[d]! - c) ** 2, 0)) // prettier-ignore
    const measure = (point: Point) => Object.fromEntries(losses(point).map((loss, g) => [`m${g}`, g === 1 ? -loss : loss])) // prettier-ignore
    const { trials } = study({ dims: numbers(2), goals }, 18, measure)
    const rng = stream(1, 'chance')
    const chance = Array.from({ length: 18 }, () => losses([rng.uniform(), rng.uniform()]))
    const found = trials.map(({ point }) => losses(point))
    expect(volume(found)).toBeGreaterThan(1.15 * volume(chance))
  })

  test('refuses options that make no sense', () => {
    expect(() => gp({ startup: 0 })).toThrow('gp({ startup: 0 }): must be at least 1')
  })
})

/** How much of the cube from 0 to 0.3, by even points, some of these dominate. */
function volume(points: readonly (readonly number[])[]): number {
  const goals = points[0]?.length ?? 0
  const columns = Array.from({ length: goals }, (_, g) => sobolColumn(2000, g, 1))
  const probes = Array.from({ length: 2000 }, (_, i) => columns.map((column) => 0.3 * column[i]!))
  return probes.filter((probe) => points.some((point) => point.every((x, g) => x < probe[g]!))).length
}

test.each([Number.NaN, Infinity])('gp keeps away from where what a constraint bounds was %d', (unmeasured) => {
  const constraints = [{ metric: 'memory', atMost: 5 }]
  const reported = ([a = 0, b = 0]: Point): Metrics => ({
    loss: a + (b - 0.3) ** 2,
    memory: a < 0.4 ? unmeasured : 3 + b,
  })
  const trials: Trial[] = []
  while (trials.length < 40) {
    const n = trials.length
    const history = { ...historyOf(numbers(2), trials), constraints }
    const point = n === 0 ? [0.5, 0.5] : (gp().suggest(history, stream(1, 'suggest', n))?.point ?? [])
    trials.push({ ...trialOf(n, [], { point }), reports: [{ step: 1, metrics: reported(point), at: 0 }] })
  }
  const kept = trials.filter(({ point }) => point[0]! >= 0.4)
  expect(Math.min(...kept.map(({ point }) => reported(point)['loss']!))).toBeLessThan(0.42)
})
