import { seedFor } from '../rng.ts'
import { TuneError } from '../errors.ts'
import type { Promotion } from '../search/pruner.ts'
import { defaults, type Params } from '../space.ts'
import type { Start } from '../store/store.ts'
import type { Study } from '../study.ts'
import { BASELINE, countStates, isPlaced, type History, type Trial } from '../trial.ts'
import type { Adviser } from './adviser.ts'
import { blame } from './blame.ts'
import { endOf, type Progress, type Why } from './stopping.ts'

/** What to run next, and the promotion that a paused trial goes on by. */
export interface Chosen extends Omit<Start, 'device'> {
  readonly promotion?: Promotion
}

/** What a choice is made from. */
export interface Asking extends Progress {
  readonly advise: Adviser['advise']
  /** Trials of the study that this one starts from. */
  readonly earlier: readonly Trial[]
}

/**
 * What to run next: an interrupted trial, a paused one that its pruner promotes, the baseline, a point of `first`, or what
 * the sampler suggests. A paused trial keeps its place in the budget, so that every one can go on. A promise where that is
 * being worked out: then ask again once it has resolved.
 */
export function choose(progress: Asking): Chosen | Why | Promise<void> {
  const { study, history } = progress
  const why = endOf(progress)
  if (why !== undefined) return why
  const counts = countStates(history.trials)
  const again = counts.interrupted > 0 && history.trials.find((trial) => isWaiting(trial) && isPlaced(history, trial))
  if (again) return goingOn(again)
  const promoted = counts.paused > 0 && promotedOf(study, history, false)
  if (promoted) return promoted
  const { complete, pruned, failed, running, paused } = counts
  const isLast = running === 0 && paused > 0
  if (complete + pruned + failed + running + paused >= study.budget.trials)
    return (isLast && promotedOf(study, history, true)) || 'budget'

  const number = (history.trials.at(-1)?.number ?? -1) + 1
  const next = nextOf(progress, number)
  if (next instanceof Promise) return next
  if (next) return { ...next, seed: seedFor(study.seed, 'trial', number) }
  return (isLast && promotedOf(study, history, true)) || 'exhausted'
}

function goingOn({ number, params, seed, reason = '' }: Trial): Omit<Start, 'device'> {
  return { number, params, seed, reason }
}

function promotedOf({ pruner }: Study, history: History, isLast: boolean): Chosen | undefined {
  const { trials } = history
  if (!pruner?.promote) return undefined
  const promotion = blame(`pruner '${pruner.name}'`, () => pruner.promote?.(history, isLast))
  if (!promotion) return undefined
  const trial = trials.find(({ number }) => number === promotion.number)
  if (trial && isPaused(trial)) return { ...goingOn(trial), promotion }
  throw new TuneError(
    'study/invalid',
    `pruner '${pruner.name}' promotes trial ${promotion.number}, which is not paused`,
  )
}

function isWaiting({ outcome }: Trial): boolean {
  return outcome.state === 'interrupted'
}

function isPaused({ outcome }: Trial): boolean {
  return outcome.state === 'paused'
}

const ASKED_FOR = 'asked for by the study'

function nextOf({ study, advise, history, earlier }: Asking, number: number): ReturnType<Adviser['advise']> {
  const { space, first } = study
  if (number === BASELINE) return { params: defaults(space) as Params, reason: 'the baseline: every default' }
  // Others may have been enqueued in between.
  const given = first[first.length === 0 ? 0 : history.trials.filter(({ reason }) => reason === ASKED_FOR).length]
  if (given) return { params: given as Params, reason: ASKED_FOR }
  return advise(earlier.length === 0 ? history : { ...history, trials: [...earlier, ...history.trials] }, number)
}
