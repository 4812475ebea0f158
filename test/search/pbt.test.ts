import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { pbt } from '../../src/search/pbt.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import type { Dim, Point } from '../../src/space.ts'
import { lineOf, type Trial } from '../../src/trial.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { numbers } from './functions.ts'
import { firstPoints, historyOf, trialOf } from './histories.ts'

samplerContract(pbt())
samplerContract(pbt({ population: 2, quantile: 0.5, resample: 1 }))

test('pbt begins as it always did', () => {
  expect(firstPoints(pbt({ population: 3 }), 6)).toMatchInlineSnapshot(`
    [
      "0.161208 0.867806 0.754011",
      "0.777119 0.730944 0.599794",
      "0.500000 0.500000 0.500000",
      "0.161208 0.867806 0.754011",
      "0.600000 0.700000 0.500000",
      "0.500000 0.500000 0.500000",
    ]
  `)
})

/** A population of which the trial n ended with the loss n. */
function turn(losses: readonly number[], dims = numbers(1)): readonly Trial[] {
  return losses.map((loss, n) => trialOf(n, [loss], { point: dims.map(() => (n + 0.5) / losses.length) }))
}

function suggestedAfter(trials: readonly Trial[], sampler: Sampler, seed = 1, dims = numbers(1)) {
  return sampler.suggest(historyOf(dims, trials), stream(seed, 'suggest', trials.length))
}

describe('pbt', () => {
  const sampler = pbt({ population: 8 })

  test('lets all but the worst quarter go on as they are', () => {
    for (const [place, loss] of [3, 0, 5, 1].entries()) {
      const losses = [loss, ...[0, 1, 2, 3, 4, 5, 6, 7].filter((other) => other !== loss)]
      const next = suggestedAfter(turn(losses), sampler)
      expect(next).toMatchObject({
        from: 0,
        point: [0.5 / 8],
        reason: `trial 0 goes on, place ${[4, 1, 6, 2][place]} of 8`,
      })
    }
  })

  test('gives the worst quarter the weights of the best quarter, and parameters near theirs', () => {
    const still = pbt({ population: 8, resample: 0 })
    for (const worst of [6, 7]) {
      const trials = turn([worst, 0, 1, 2, 3, 4, 5, worst === 6 ? 7 : 6])
      const next = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => suggestedAfter(trials, still, seed))
      expect(new Set(next.map((one) => one?.from))).toEqual(new Set([1, 2]))
      for (const { point, from, reason } of next.filter((one) => one !== undefined)) {
        expect(Math.abs(point[0]! - trials[from!]!.point[0]!)).toBeCloseTo(0.1, 12)
        expect(reason).toBe(`takes over trial ${from}: trial 0 was place ${worst + 1} of 8`)
      }
    }
  })

  test('replaces a network whose turn failed, diverged or still runs', () => {
    const ends = [
      trialOf(0, [], { outcome: { state: 'failed', code: 'trial/threw', message: 'boom' } }),
      trialOf(0, [Number.NaN]),
      trialOf(0, [-9], { outcome: { state: 'running' } }),
    ]
    for (const end of ends) {
      const next = suggestedAfter([end, ...turn([0, 1, 2, 3, 4, 5, 6, 7]).slice(1)], sampler)
      expect([1, 2]).toContain(next?.from)
      expect(next?.reason).toMatch(/trial 0 has no result$/)
    }
  })

  test('replaces a network whose parameters the study does not allow any more, by what it does', () => {
    const history = { ...historyOf(numbers(1), turn([0, 1, 2, 3, 4, 5, 6, 7])), allows: ([x = 0]: Point) => x > 0.1 }
    const next = sampler.suggest(history, stream(1, 'suggest', 8))
    expect(next?.reason).toMatch(/^takes over trial [01]: trial 0 is not allowed$/)
    expect(next?.point[0]).toBeGreaterThan(0.1)
  })

  test('moves levels by one at least, leaves options that have no order, and fills what a choice switches on', () => {
    const dims: readonly Dim[] = [
      { name: 'depth', levels: 4, ordered: true },
      { name: 'kind', levels: 3, ordered: false },
      { name: 'power', levels: Infinity, ordered: true, when: { back: 1, level: 0 } },
    ]
    const trials = [9, 0, 1, 2].map((loss, n) => trialOf(n, [loss], { point: [0.375, 0.5, Number.NaN] }))
    const near = suggestedAfter(trials, pbt({ population: 4, resample: 0 }), 1, dims)?.point
    expect([0.125, 0.625]).toContain(near?.[0])
    expect(near?.slice(1)).toEqual([0.5, Number.NaN])
    const anew = Array.from({ length: 20 }, (_, seed) => suggestedAfter(trials, pbt({ population: 4, resample: 1 }), seed, dims)?.point) // prettier-ignore
    const switchedOn = anew.filter((point) => point![1]! < 1 / 3)
    expect(switchedOn.length).toBeGreaterThan(0)
    for (const point of switchedOn) expect(point![2]).toBeGreaterThanOrEqual(0)
  })

  test.each([
    [{ population: 1 }, 'pbt({ population: 1 }): a whole number from 2 is needed'],
    [{ quantile: 0.6 }, 'pbt({ quantile: 0.6 }): a share above 0'],
    [{ perturb: Number.NaN }, 'pbt({ perturb: NaN })'],
    [{ resample: 2 }, 'pbt({ resample: 2 })'],
  ])('refuses options that make no sense: %j', (options, message) => {
    expect(() => pbt(options)).toThrow(message)
  })
})

const TURNS = 25

/** Ten steps of SGD on a noisy bowl, as the mean square distance: a high rate is fast at first, and then too noisy. */
function trained(distance: number, point: Point): number {
  const lr = 10 ** (3 * point[0]! - 3)
  return Array.from({ length: 10 }).reduce<number>((sum) => sum * (1 - lr) ** 2 + lr ** 2, distance)
}

function population(sampler: Sampler, seed: number): readonly Trial[] {
  const trials: Trial[] = []
  for (let n = 0; n < 8 * TURNS; n++) {
    const { point, from } = sampler.suggest(historyOf(numbers(1), trials), stream(seed, 'suggest', n))!
    const start = from === undefined ? 1 : trials[from]!.reports[0]!.metrics['loss']!
    trials.push({ ...trialOf(n, [trained(start, point)], { point, seed }), ...(from !== undefined && { from }) })
  }
  return trials
}

test('pbt finds a schedule that ends below every rate of its first turn kept for as long, over twenty seeds', () => {
  const lossOf = ({ reports }: Trial) => reports[0]!.metrics['loss']!
  const ratios = Array.from({ length: 20 }, (_, seed) => {
    const trials = population(pbt(), seed)
    const best = trials.toSorted((a, b) => lossOf(a) - lossOf(b))[0]!
    const line = lineOf({ trials }, best)
    expect(line).toHaveLength(TURNS)
    expect(line[0]!.point[0]).toBeGreaterThan(best.point[0]!)
    const constant = trials.slice(0, 8).map(({ point }) => Array.from({ length: TURNS }).reduce<number>((sum) => trained(sum, point), 1)) // prettier-ignore
    return lossOf(best) / Math.min(...constant)
  })
  expect(ratios.filter((ratio) => ratio < 0.8)).toHaveLength(20)
})

test('pbt counts a result that breaks a constraint as worse than all that keep it', () => {
  const sampler = pbt({ population: 8, resample: 0 })
  const trials = turn([0, 1, 2, 3, 4, 5, 6, 7]).map((trial, n) => ({
    ...trial,
    reports: trial.reports.map((report) => ({ ...report, metrics: { ...report.metrics, memory: n < 2 ? 10 : 1 } })),
  }))
  const history = { ...historyOf(numbers(1), trials), constraints: [{ metric: 'memory', atMost: 5 }] }
  const next = sampler.suggest(history, stream(1, 'suggest', 8))
  expect([2, 3]).toContain(next?.from)
  expect(next?.reason).toBe(`takes over trial ${next?.from}: trial 0 was place 7 of 8`)
})

test('pbt begins from no trial of another study, whose networks are not here', () => {
  const earlier = turn([0, 1, 2, 3, 4, 5, 6, 7]).map((trial, n) => ({ ...trial, number: n - 8 }))
  const own = Array.from({ length: 8 }, (_, n) => trialOf(n, [], { point: [0.5], outcome: { state: 'running' } }))
  expect(pbt().suggest(historyOf(numbers(1), [...earlier, ...own]), stream(1, 'suggest', 8))?.from).toBeUndefined()
})
