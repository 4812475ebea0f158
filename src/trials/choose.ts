import { seedFor } from '../rng.ts'
import { TuneError } from '../errors.ts'
import type { Promotion } from '../search/pruner.ts'
import type { Sampler } from '../search/sampler.ts'
import { defaults, type Params } from '../space.ts'
import type { Start } from '../store/store.ts'
import type { Study } from '../study.ts'
import { BASELINE, countStates, type History, type Trial } from '../trial.ts'
import type { StudyEvent } from '../event.ts'
import { blame } from './blame.ts'
import { suggest, type Advice } from './suggest.ts'

/** Why a run ends. */
export type Why = Extract<StudyEvent, { kind: 'study-ended' }>['why']

/** What decides whether a run goes on. */
export interface Progress {
  readonly study: Study
  readonly history: History
  readonly isAborted: boolean
  /** Trials that this run has ended, in that order. */
  readonly endedNow: readonly Trial[]
}

/** Trials that must fail alike at the start of a run for it to be given up: something is wrong with all of them. */
const ALIKE = 3

/** What to run next, and the promotion that a paused trial goes on by. */
export interface Chosen extends Omit<Start, 'device'> {
  readonly promotion?: Promotion
}

/**
 * What to run next: an interrupted trial, a paused one that its pruner promotes, the baseline, a point of `first`, or what
 * the sampler suggests. A paused trial keeps its place in the budget, so that every one can go on.
 */
export function choose(progress: Progress & { readonly sampler: Sampler }): Chosen | Why {
  const { study, history, sampler } = progress
  const why = endOf(progress)
  if (why !== undefined) return why
  const counts = countStates(history.trials)
  const again = counts.interrupted > 0 && history.trials.find(({ outcome }) => outcome.state === 'interrupted')
  if (again) return goingOn(again)
  const promoted = counts.paused > 0 && promotedOf(study, history)
  if (promoted) return promoted
  if (endedOf(counts) + counts.running + counts.paused >= study.budget.trials) return 'budget'

  const number = (history.trials.at(-1)?.number ?? -1) + 1
  const next = nextOf(study, sampler, history, number)
  return next ? { ...next, seed: seedFor(study.seed, 'trial', number) } : 'exhausted'
}

/** Why a run starts no more trials, or undefined where it does. */
export function endOf({ study: { budget }, history: { trials }, isAborted, endedNow }: Progress): Why | undefined {
  const counts = countStates(trials)
  if (endedOf(counts) >= budget.trials) return 'budget'
  if (isAborted) return 'interrupted'
  if (counts.failed >= (budget.failures ?? Infinity) || failAlike(endedNow)) return 'failures'
  return endedOf(counts) + counts.running >= budget.trials ? 'budget' : undefined
}

function endedOf({ complete, pruned, failed }: ReturnType<typeof countStates>): number {
  return complete + pruned + failed
}

function goingOn({ number, params, seed, reason = '' }: Trial): Omit<Start, 'device'> {
  return { number, params, seed, reason }
}

function promotedOf({ pruner }: Study, history: History): Chosen | undefined {
  const { trials } = history
  if (!pruner?.promote) return undefined
  const promotion = blame(`pruner '${pruner.name}'`, () => pruner.promote?.(history))
  if (!promotion) return undefined
  const trial = trials.find(({ number }) => number === promotion.number)
  if (trial && isPaused(trial)) return { ...goingOn(trial), promotion }
  throw new TuneError(
    'study/invalid',
    `pruner '${pruner.name}' promotes trial ${promotion.number}, which is not paused`,
  )
}

function isPaused({ outcome }: Trial): boolean {
  return outcome.state === 'paused'
}

/** What made a run end by its failures, in words. */
export function failuresText({ study: { budget }, endedNow }: Pick<Progress, 'study' | 'endedNow'>): string {
  const [first] = endedNow
  if (!failAlike(endedNow) || first?.outcome.state !== 'failed')
    return `stopped: ${budget.failures} trials failed, as many as budget.failures allows`
  return `stopped: the first ${ALIKE} trials failed the same way: ${first.outcome.message}`
}

/** Whether a run's first trials all failed for the same reason. */
function failAlike(endedNow: readonly Trial[]): boolean {
  const reasons = endedNow
    .slice(0, ALIKE)
    .map(({ outcome }) => (outcome.state === 'failed' ? `${outcome.code} ${outcome.message}` : undefined))
  return reasons.length === ALIKE && reasons[0] !== undefined && new Set(reasons).size === 1
}

function nextOf(study: Study, sampler: Sampler, history: History, number: number): Advice | undefined {
  const { space, first } = study
  if (number === BASELINE) return { params: defaults(space) as Params, reason: 'the baseline: every default' }
  const given = first[number - 1]
  if (given) return { params: given as Params, reason: 'asked for by the study' }
  return suggest(study, sampler, history, number)
}
