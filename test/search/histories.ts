import { seedFor, stream } from '../../src/rng.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import type { Dim, Point } from '../../src/space.ts'
import type { Goal, History, Outcome, Trial } from '../../src/trial.ts'

export const minimizeLoss: Goal = { direction: 'minimize', metric: 'loss' }

/** A trial that reported these losses, one a step. It is complete unless another outcome is given. */
export function trialOf(
  number: number,
  losses: readonly number[],
  { point = [], outcome = { state: 'complete' }, seed = 0 }: { point?: Point; outcome?: Outcome; seed?: number } = {},
): Trial {
  return {
    number,
    point,
    params: {},
    seed: seedFor(seed, 'trial', number),
    device: { kind: 'cpu', index: 0, threads: 1 },
    reports: losses.map((loss, i) => ({ step: i + 1, metrics: { loss }, at: 1000 * i })),
    outcome,
  }
}

export function historyOf(
  dims: readonly Dim[],
  trials: readonly Trial[],
  goals: readonly Goal[] = [minimizeLoss],
): History {
  return { dims, goals, trials }
}

/** The value with all that it holds frozen: writing to it throws. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null)
    for (const field of Object.values(Object.freeze(value))) frozen(field)
  return value
}

/** A study's first suggestions, to 6 digits, on two numbers and a choice, where nothing but being low matters. */
export function firstPoints(sampler: Sampler, count: number): readonly string[] {
  const dims: readonly Dim[] = [
    { name: 'a', levels: Infinity, ordered: true },
    { name: 'b', levels: 5, ordered: true },
    { name: 'c', levels: 3, ordered: false },
  ]
  const trials = [trialOf(0, [1.5], { point: [0.5, 0.5, 0.5] })]
  while (trials.length <= count) {
    const n = trials.length
    const point = sampler.suggest(historyOf(dims, trials), stream(1, 'suggest', n))?.point ?? []
    trials.push(trialOf(n, [point.reduce((sum, x) => sum + x, 0)], { point }))
  }
  return trials.slice(1).map(({ point }) => point.map((x) => x.toFixed(6)).join(' '))
}
