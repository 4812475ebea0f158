import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { asha } from '../../src/search/asha.ts'
import { shownEffects, spreadTrials } from '../../src/search/effects.ts'
import { sobol } from '../../src/search/sobol.ts'
import { tpe } from '../../src/search/tpe.ts'
import { choice, decodeSpace, defaults, encodeSpace, spaceDims, uniform, type Point } from '../../src/space.ts'
import type { History, Report, Trial } from '../../src/trial.ts'

const space = { a: uniform(0, 1), b: uniform(0, 1), c: uniform(0, 1), d: uniform(0, 1), e: choice('x', 'y') }
const pruner = asha({ first: 1, eta: 3 })

/** A study of 24 trials with noise of 2 points and ASHA, in which `strength` says how much `a` matters and nothing else. */
function studied(seed: number, strength: number): History {
  const sampler = tpe({ startup: 12 })
  const noise = stream(seed, 'noise')
  const history = { dims: spaceDims(space), goals: [{ direction: 'maximize', metric: 'pq' }] as const }
  const trials: Trial[] = []
  for (let number = 0; number < 24; number++) {
    const suggested = () =>
      decodeSpace(space, sampler.suggest({ ...history, trials }, stream(seed, 'suggest', number))!.point)
    const params = number === 0 ? defaults(space) : suggested()
    const point = encodeSpace(space, params)
    const trial: Trial = { number, point, params, seed, device: { kind: 'cpu', index: 0, threads: 1 }, reports: [], outcome: { state: 'complete' } } // prettier-ignore
    trials.push(run(trial, (step) => 50 - strength * (params.a - 0.6) ** 2 - 30 / step + 2 * noise.normal()))
  }
  return { ...history, trials }

  function run(trial: Trial, pqAt: (step: number) => number): Trial {
    const reports: Report[] = []
    for (let step = 1; step <= 9; step++) {
      reports.push({ step, at: 0, metrics: { pq: pqAt(step) } })
      const now: Trial = { ...trial, reports, outcome: { state: 'running' } }
      if (
        trial.number > 0 &&
        step < 9 &&
        pruner.judge(now, { ...history, trials: [...trials, now] })?.action === 'stop'
      ) {
        return { ...now, outcome: { state: 'pruned' } }
      }
    }
    return { ...trial, reports }
  }
}

const canonical = (point: Point) => encodeSpace(space, decodeSpace(space, point))

function effectsOf(history: History, seed: number) {
  const spread = spreadTrials(history, sobol(), (number) => stream(seed, 'suggest', number), canonical)
  return shownEffects(history, spread, stream(seed, 'effects'), 200)
}

describe('what a study shows to matter', () => {
  test('is a parameter that decides the result, in most studies', () => {
    const found = Array.from({ length: 20 }, (_, seed) => effectsOf(studied(seed, 160), seed))
    const hits = found.filter((effects) => effects.some(({ name, isShown }) => name === 'a' && isShown))
    expect(hits.length).toBeGreaterThanOrEqual(12)
  })

  test('is seldom one that decides nothing, although the sampler sought the good ones', () => {
    const found = Array.from({ length: 40 }, (_, seed) => effectsOf(studied(seed, seed % 2 === 0 ? 0 : 160), seed))
    const wrong = found.filter((effects, seed) =>
      effects.some(({ name, isShown }) => isShown && (name !== 'a' || seed % 2 === 0)),
    )
    // At a rate of 5 %, 40 studies give 6 or more once in 70 times.
    expect(wrong.length).toBeLessThanOrEqual(5)
  })

  test('is nothing at all when few trials were chosen without regard to results', () => {
    const history = studied(1, 160)
    expect(effectsOf({ ...history, trials: history.trials.slice(0, 6) }, 1)).toEqual([])
  })

  test('rests on the baseline and the evenly spread trials alone', () => {
    const spread = spreadTrials(studied(3, 160), sobol(), (number) => stream(3, 'suggest', number), canonical)
    expect(spread.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
  })
})
