import { describe, expect, test } from 'vitest'
import { auto } from '../../src/search/auto.ts'
import { cmaes } from '../../src/search/cmaes.ts'
import { gp } from '../../src/search/gp.ts'
import { grid } from '../../src/search/grid.ts'
import { nsga2 } from '../../src/search/nsga2.ts'
import { pbt } from '../../src/search/pbt.ts'
import { random } from '../../src/search/random.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import { sobol } from '../../src/search/sobol.ts'
import { tpe } from '../../src/search/tpe.ts'
import { choice, encodeSpace, int, ordinal, spaceDims, uniform, type Params, type Space } from '../../src/space.ts'
import { defineStudy, minimize, type Study } from '../../src/study.ts'
import type { Trial } from '../../src/trial.ts'
import { suggest } from '../../src/trials/suggest.ts'
import { weightedSum } from '../../src/weighted_sum.ts'
import { historyOf, trialOf } from '../search/histories.ts'

type Where = (params: Params) => boolean

function studyOf(space: Space, where: Where | Readonly<Record<string, Where>> = {}): Study {
  return defineStudy({
    name: 'tiny',
    goal: minimize('loss'),
    space,
    where: where as never,
    budget: { trials: 9 },
    async *objective() {
      yield { loss: 0 }
    },
  })
}

/** Params that a sampler gets to try in a study, one after another, from the baseline on. */
function tried(
  study: Study,
  sampler: Sampler,
  baseline: Params,
  count: number,
  lossOf?: (params: Params) => number,
): readonly Params[] {
  const trials = [trial(0, baseline)]
  while (trials.length < count) {
    const history = historyOf(spaceDims(study.space), trials)
    const advice = suggest(study, sampler, history, trials.length)
    if (!advice) break
    trials.push(trial(trials.length, advice.params))
  }
  return trials.map(({ params }) => params)

  function trial(number: number, params: Params): Trial {
    const point = encodeSpace(study.space, params)
    const loss = lossOf ? lossOf(params) : point.reduce((sum, x) => sum + x, 0)
    return { ...trialOf(number, [loss], { point }), params }
  }
}

const sum = ({ a, b }: Params) => Number(a) + Number(b)
const square = { a: uniform(0, 1), b: uniform(0, 1) }

describe('a suggestion', () => {
  test.each([random(), sobol(), tpe(), cmaes(), grid()])('of $name satisfies what the study demands', (sampler) => {
    const study = studyOf(square, ({ a, b }: Params) => Number(a) + Number(b) > 1.2)
    const params = tried(study, sampler, { a: 0.9, b: 0.9 }, 24)
    expect(params.length).toBeGreaterThan(7)
    expect(params.every((one) => sum(one) > 1.2)).toBe(true)
  })

  const parts = { semantic: uniform(0, 1), center: uniform(0, 1), offset: uniform(0, 1), kind: choice('x', 'y') }
  const samplers = [random(), sobol(), tpe(), cmaes(), nsga2(), pbt({ population: 4 }), gp(), auto()]

  test.each(samplers)('of $name keeps a sum that is fixed, and comes close to the best there', (sampler) => {
    const baseline = { semantic: 0.2, center: 0.3, offset: 0.5, kind: 'x' }
    const study = studyOf(parts, weightedSum({ semantic: 1, center: 1, offset: 1 }, { atLeast: 1, atMost: 1 }) as Where)
    const params = tried(study, sampler, baseline, 40, ({ semantic, center }) => (Number(semantic) - 0.7) ** 2 + (Number(center) - 0.2) ** 2) // prettier-ignore
    const sums = params.map(({ semantic, center, offset }) => Number(semantic) + Number(center) + Number(offset))
    expect(sums.filter((one) => Math.abs(one - 1) > 1e-9)).toEqual([])
    expect(new Set(params.map((one) => JSON.stringify(one))).size).toBeGreaterThan(9)
    expect(Math.min(...params.map(({ semantic, center }) => Math.hypot(Number(semantic) - 0.7, Number(center) - 0.2)))).toBeLessThan(0.15) // prettier-ignore
  })

  test('within a sum is as likely anywhere, at random and evenly spread', () => {
    const triangle = studyOf(square, weightedSum({ a: 1, b: 1 }, { atMost: 1 }) as Where)
    for (const sampler of [random(), sobol()]) {
      const params = tried(triangle, sampler, { a: 0.1, b: 0.1 }, 600)
      // The triangle's centre is at a third; half of it lies where the larger one is below 0.5.
      const [mean, share] = [({ a }: Params) => Number(a), ({ a, b }: Params) => Number(Math.max(Number(a), Number(b)) < 0.5)] // prettier-ignore
      const average = (of: (one: Params) => number) => params.reduce((total, one) => total + of(one), 0) / params.length
      expect(Math.abs(average(mean) - 1 / 3)).toBeLessThan(0.03)
      expect(Math.abs(average(share) - 1 / 2)).toBeLessThan(0.06)
    }
  })

  test('of a sampler that insists on what is not allowed is at random instead, and the same again', () => {
    const stubborn: Sampler = { name: 'stubborn', suggest: () => ({ point: [0, 0], reason: 'as always' }) }
    const study = studyOf(square, { 'more than 1': (params: Params) => sum(params) > 1 })
    const ask = () => suggest(study, stubborn, historyOf(spaceDims(square), []), 1)
    expect(ask()?.reason).toContain('nothing that the sampler suggested is allowed')
    expect(sum(ask()?.params ?? {})).toBeGreaterThan(1)
    expect(ask()).toEqual(ask())
  })

  test('of a sampler that knows nothing of weighted sums is moved to the nearest place where they hold', () => {
    const stubborn: Sampler = { name: 'stubborn', suggest: () => ({ point: [0.8, 1], reason: 'as always' }) }
    const study = studyOf(square, weightedSum({ a: 1, b: 1 }, { atMost: 1 }) as Where)
    const advice = suggest(study, stubborn, historyOf(spaceDims(square), []), 1)
    expect(advice?.reason).toBe('stubborn: as always')
    expect(Number(advice?.params['a'])).toBeCloseTo(0.4, 9)
    expect(Number(advice?.params['b'])).toBeCloseTo(0.6, 9)
  })

  test('that nothing satisfies is an error that names what no point satisfies', () => {
    const demands = { often: ({ a }: Params) => Number(a) < 0.9, never: (params: Params) => sum(params) > 2 }
    const study = studyOf(square, demands)
    expect(() => suggest(study, random(), historyOf(spaceDims(square), []), 1)).toThrow(
      "tiny: none of 10000 points at random satisfies where 'never'",
    )
    const apart = { low: ({ a }: Params) => Number(a) < 0.4, high: ({ a }: Params) => Number(a) > 0.6 }
    expect(() => suggest(studyOf(square, apart), tpe(), historyOf(spaceDims(square), []), 1)).toThrow(
      'none of 10000 points at random satisfies all of where: low; high',
    )
  })

  test('whose demand throws is an error of the study', () => {
    const broken = () => {
      throw new Error('boom')
    }
    expect(() => suggest(studyOf(square, { mine: broken }), random(), historyOf([], []), 1)).toThrow(
      "where 'mine' threw: boom",
    )
  })

  test('of gp is close to the best that is allowed', () => {
    const study = studyOf(square, ({ a, b }: Params) => Number(a) + Number(b) > 1.2)
    const params = tried(study, gp(), { a: 0.9, b: 0.9 }, 24)
    expect(params.every((one) => sum(one) > 1.2)).toBe(true)
    // The loss is the sum itself, so that the best lies along the edge of what is allowed.
    expect(Math.min(...params.slice(0, 8).map(sum))).toBeGreaterThan(Math.min(...params.slice(8).map(sum)))
    expect(Math.min(...params.map(sum))).toBeLessThan(1.23)
  })

  const levels = { depth: int(1, 4), width: ordinal(8, 16), kind: choice('x', 'y') }

  test.each([random(), sobol(), tpe()])('of $name is new for as long as it can be', (sampler) => {
    const params = tried(studyOf(levels), sampler, { depth: 1, width: 8, kind: 'x' }, 10)
    expect(new Set(params.map((one) => JSON.stringify(one))).size).toBe(10)
  })

  test.each([random(), sobol(), tpe(), cmaes(), nsga2(), gp(), auto()])(
    'of $name is new to the last combination',
    (sampler) => {
      const where = { 'not both': ({ depth, width }: Params) => depth !== 4 || width !== 16 }
      const params = tried(studyOf(levels, where), sampler, { depth: 1, width: 8, kind: 'x' }, 14)
      expect(new Set(params.map((one) => JSON.stringify(one))).size).toBe(14)
    },
  )

  test('may be a repeat where a space has nothing new, and for a sampler that wants repeats', () => {
    const study = studyOf({ kind: choice('x', 'y') })
    expect(tried(study, random(), { kind: 'x' }, 5)).toHaveLength(5)
    const again: Sampler = { name: 'again', repeats: true, suggest: () => ({ point: [0], reason: 'once more' }) }
    expect(tried(study, again, { kind: 'x' }, 3).map(({ kind }) => kind)).toEqual(['x', 'x', 'x'])
    expect(tried(study, grid({ repeats: 2 }), { kind: 'x' }, 9)).toHaveLength(4)
  })
})
