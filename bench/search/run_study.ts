import { stream } from '../../src/rng.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import type { Trial } from '../../src/trial.ts'
import { placed } from '../../test/search/functions.ts'
import { historyOf, trialOf } from '../../test/search/histories.ts'
import type { Task } from './tasks.ts'

interface Running {
  readonly number: number
  readonly loss: number
  readonly endsAt: number
}

/**
 * The regret of the best-looking trial, without noise, after each of some counts of ended trials. Several workers are
 * simulated as in the baseline: every trial takes a lognormal time of deviation 0.5, and a new one starts when it ends.
 * No baseline is run first: the middle of the space is the optimum of some functions.
 */
export function runStudy(
  sampler: Sampler,
  { fn, noise }: Task,
  { seed, workers, counts }: { readonly seed: number; readonly workers: number; readonly counts: readonly number[] },
): readonly number[] {
  const evaluations = Math.max(...counts)
  const trials: Trial[] = []
  const running: Running[] = []
  const ended: { readonly loss: number; readonly truth: number }[] = []
  let now = 0

  const start = () => {
    const number = trials.length
    const suggestion = sampler.suggest(historyOf(fn.dims, [...trials]), stream(seed, 'suggest', number))
    if (!suggestion) throw new Error(`${sampler.name} suggests nothing`)
    const point = placed(fn, suggestion.point)
    const loss = fn.at(point) + noise * stream(seed, 'noise', number).normal()
    trials.push(trialOf(number, [], { point, seed, outcome: { state: 'running' } }))
    running.push({ number, loss, endsAt: now + Math.exp(0.5 * stream(seed, 'duration', number).normal()) })
  }
  const end = () => {
    running.sort((a, b) => b.endsAt - a.endsAt)
    const { number, loss, endsAt } = running.pop()!
    now = endsAt
    const { point } = trials[number]!
    trials[number] = trialOf(number, [loss], { point, seed })
    ended.push({ loss, truth: fn.at(point) })
  }
  while (ended.length < evaluations) {
    while (running.length < workers && trials.length < evaluations) start()
    end()
  }
  return counts.map((count) => {
    const [best] = ended.slice(0, count).toSorted((a, b) => a.loss - b.loss)
    return best!.truth - fn.lowest
  })
}
