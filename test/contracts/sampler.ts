import { describe, expect, test } from 'vitest'
import { stream, type Rng } from '../../src/rng.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import {
  choice,
  decodeSpace,
  encodeSpace,
  int,
  isActive,
  logint,
  lognormal,
  loguniform,
  normal,
  oneOf,
  ordinal,
  spaceDims,
  uniform,
  type Point,
  type Space,
} from '../../src/space.ts'
import type { History, Outcome, Trial } from '../../src/trial.ts'
import { halfSpacesOf, weightedSum } from '../../src/weighted_sum.ts'
import { frozen, historyOf, trialOf } from '../search/histories.ts'

const warmup = oneOf({ none: {}, linear: { part: uniform(0, 0.2) } })

const spaces: Readonly<Record<string, Space>> = {
  'real numbers': { a: uniform(-5, 10), b: loguniform(1e-6, 1) },
  'numbers with a guess, or with steps': { a: normal(0.9, 0.05, { high: 1 }), b: lognormal(1e-3, 10), c: uniform(0, 1, { step: 0.1 }) }, // prettier-ignore
  'whole numbers': { a: int(0, 20), b: logint(1, 512), c: int(0, 1e6) },
  options: { a: choice('x', 'y', 'z'), b: ordinal(8, 16, 32, 64), c: choice(true, false) },
  'conditional parameters': {
    lr: loguniform(1e-5, 1),
    optimizer: oneOf({ sgd: { momentum: uniform(0, 1), warmup }, adam: { beta: loguniform(1e-4, 0.1), warmup } }),
  },
  'single points': { a: uniform(2, 2), b: int(3, 3), c: choice('only') },
  'one parameter of two options': { a: choice('x', 'y') },
  'a thousand options': { a: choice(0, ...Array.from({ length: 999 }, (_, i) => i + 1)), b: uniform(0, 1) },
  'two hundred parameters': Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`p${i}`, uniform(0, 1)])),
  'no parameters': {},
}

type Demand = (space: Space) => Pick<History, 'allows' | 'within'>

/** What a study may demand of its params: a part of the space that can only be found by trying, and one that is very thin. */
const demands: Readonly<Record<string, Demand>> = {
  'three fifths of it': (space) => ({ allows: (point) => !(placedPoint(space, point)[0]! >= 0.6) }),
  'a thin part of it': (space) => {
    const numbers = Object.entries(space).filter(([, { spec }]) => 'low' in spec)
    const weights = Object.fromEntries(numbers.map(([name, { spec }]) => [name, 'low' in spec ? 1 / (spec.high - spec.low || 1) : 0])) // prettier-ignore
    const params = decodeSpace(space, spaceDims(space).map((_, d) => 0.3 + 0.1 * (d % 3))) // prettier-ignore
    const sum = numbers.reduce((total, [name]) => total + (weights[name] ?? 0) * Number(params[name]), 0)
    const demand = weightedSum(weights, { atLeast: sum - 1e-3, atMost: sum + 1e-3 })
    return {
      allows: (point) => demand(decodeSpace(space, point) as Readonly<Record<string, number>>),
      within: halfSpacesOf(space, { thin: demand }),
    }
  },
}

const demandCases = Object.keys(demands).flatMap((demand) => {
  const fitting = Object.entries(spaces).filter(([, space]) => {
    const params = Object.values(space)
    return params.length > 0 && (demand !== 'a thin part of it' || params.some(({ spec }) => 'low' in spec))
  })
  return fitting.map(([name]) => [demand, name] as const)
})

function placedPoint(space: Space, point: Point): Point {
  return encodeSpace(space, decodeSpace(space, point))
}

const failed: Outcome = { state: 'failed', code: 'trial/diverged', message: 'the loss is NaN' }

/** Trials at random places of the space whose n-th has the outcome and losses that are given for it. */
const pasts: Readonly<Record<string, (n: number, rng: Rng) => { losses: readonly number[]; outcome: Outcome }>> = {
  'complete trials': (_, rng) => ({ losses: [rng.normal()], outcome: { state: 'complete' } }),
  'trials that ended in every way': (n, rng) => ({
    losses: n % 5 === 0 ? [] : [rng.normal(), n % 7 === 0 ? Number.NaN : rng.normal()].slice(0, 1 + (n % 2)),
    outcome:
      (
        [
          { state: 'complete' },
          { state: 'pruned' },
          failed,
          { state: 'running' },
          { state: 'interrupted' },
          { state: 'paused' },
        ] as const
      )[n % 6] ?? failed,
  }),
  'infinite results': (n, rng) => ({
    losses: [[Infinity, -Infinity, rng.normal()][n % 3] ?? 0],
    outcome: { state: 'complete' },
  }),
  'equal results': () => ({ losses: [1], outcome: { state: 'complete' } }),
  'NaN results': () => ({ losses: [Number.NaN], outcome: { state: 'complete' } }),
  'failed trials': () => ({ losses: [], outcome: failed }),
  'pruned trials': (n) => ({ losses: [n, -n].slice(n % 2), outcome: { state: 'pruned' } }),
  'paused trials': (n) => ({ losses: [n, -n].slice(n % 2), outcome: { state: 'paused' } }),
  'running trials': () => ({ losses: [], outcome: { state: 'running' } }),
}

function pastOf(space: Space, kind: string, count: number): History {
  const dims = spaceDims(space)
  const rng = stream(1, 'past', kind)
  const trials = Array.from({ length: count }, (_, n): Trial => {
    const { losses, outcome } = pasts[kind]?.(n, rng) ?? { losses: [], outcome: failed }
    const point = encodeSpace(
      space,
      decodeSpace(
        space,
        dims.map(() => rng.uniform()),
      ),
    )
    return trialOf(n, losses, { point, outcome })
  })
  return frozen(historyOf(dims, trials))
}

/**
 * What every sampler must do, over every kind of space and of history. One that `ends` may have nothing left in a space
 * of finitely many points, and all studies of a space may get the same of it.
 */
export function samplerContract(sampler: Sampler, { ends = false }: { readonly ends?: boolean } = {}): void {
  describe(`${sampler.name}, as any sampler,`, () => {
    const cases = Object.keys(spaces).flatMap((space) => Object.keys(pasts).map((past) => [space, past] as const))

    test.each(cases)('stays in a space of %s after %s', (name, past) => {
      const space = spaces[name] ?? {}
      for (const count of [0, 1, 2, 40]) {
        const history = pastOf(space, past, count)
        const suggested = sampler.suggest(history, stream(2, name, past, count))
        const isFinite = history.dims.every(({ levels }) => levels < Infinity)
        if (suggested === undefined && ends && isFinite && count > 0) continue
        const { point, reason } = suggested ?? { point: [], reason: '' }
        expect(reason).toMatch(/\w/)
        expect(point).toHaveLength(history.dims.length)
        const outside = point.filter((x, d) => isActive(history.dims, point, d) && !(x >= 0 && x <= 1))
        expect(outside).toEqual([])
        expect(() => encodeSpace(space, decodeSpace(space, point))).not.toThrow()
      }
    })

    test.each(Object.keys(spaces))('answers the same question the same way, in a space of %s', (name) => {
      for (const count of [1, 40]) {
        const history = pastOf(spaces[name] ?? {}, 'complete trials', count)
        const answer = sampler.suggest(history, stream(3, name))
        expect(sampler.suggest(structuredClone(history), stream(3, name))).toEqual(answer)
      }
    })

    test.each(Object.keys(spaces))(
      'goes on with two goals and a bound that no trial keeps, in a space of %s',
      (name) => {
        const past = pastOf(spaces[name] ?? {}, 'complete trials', 24)
        const [goal] = past.goals
        const history: History = frozen({
          ...past,
          goals: [...past.goals, { metric: 'loss', direction: 'maximize' }],
          constraints: [{ metric: goal?.metric ?? '', atMost: -1e9 }],
        })
        const suggested = sampler.suggest(history, stream(4, name))
        if (suggested === undefined && ends) return
        const { point } = suggested ?? { point: [] }
        expect(point).toHaveLength(history.dims.length)
        expect(point.filter((x, d) => isActive(history.dims, point, d) && !(x >= 0 && x <= 1))).toEqual([])
      },
    )

    // The places of a grid hardly ever lie in a thin part.
    test.each(demandCases.filter(([demand]) => !ends || demand === 'three fifths of it'))(
      'keeps to %s in a space of %s',
      (demand, name) => {
        const space = spaces[name] ?? {}
        for (const count of [0, 1, 2, 40]) {
          const history = frozen({ ...pastOf(space, 'complete trials', count), ...demands[demand]?.(space) })
          const suggested = sampler.suggest(history, stream(5, name, demand, count))
          if (suggested === undefined && ends) continue
          const point = suggested?.point ?? []
          expect(point).toHaveLength(history.dims.length)
          expect({ count, point, isAllowed: history.allows?.(point) }).toEqual({ count, point, isAllowed: true })
        }
      },
    )

    test.skipIf(ends)('gives other studies other points', () => {
      const dims = spaceDims(spaces['real numbers'] ?? {})
      const points = [1, 2, 3].map((seed) => {
        const trials = [trialOf(0, [1], { point: [0.5, 0.5], seed })]
        return sampler.suggest(historyOf(dims, trials), stream(seed, 'suggest', 1))?.point.join()
      })
      expect(new Set(points).size).toBe(3)
    })
  })
}
