import { seedFor } from '../../src/rng.ts'
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
