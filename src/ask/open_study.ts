import { systemClock } from '../clock.ts'
import { auto } from '../search/auto.ts'
import { TuneError } from '../errors.ts'
import type { Params, Space, Values } from '../space.ts'
import type { StudyStore } from '../store/store.ts'
import { defineStudy, type Budget, type Study, type StudyDefinition } from '../study.ts'
import { best, type Goal, type Metrics, type Outcome, type Trial } from '../trial.ts'
import { choose } from '../trials/choose.ts'
import { derivedOf } from '../trials/derived.ts'
import { recordOf } from '../trials/driver.ts'
import { secondsSince } from '../trials/session.ts'
import { earlierTrials } from '../trials/earlier.ts'
import { parseStudy } from '../trials/parse_study.ts'
import { failureOf, parseReport } from '../trials/report.ts'
import { startTrial } from '../trials/start_trial.ts'
import { suggest } from '../trials/suggest.ts'

/** A study without an objective: a program of its own runs the trials. */
type AskedStudy<S extends Space, E> = Omit<
  StudyDefinition<S, Metrics, Record<never, never>, undefined, E>,
  'objective' | 'prepare' | 'settings' | 'pruner' | 'executor' | 'budget'
> & {
  readonly goal: Goal
  /** Default: as many trials as are asked for. */
  readonly budget?: Budget
}

/** A trial to run. */
export interface Asked<P> {
  readonly number: number
  readonly params: P
  /** All of the trial's chance should come from this. */
  readonly seed: number
  /** The trial whose end it is to begin from, with its weights, under samplers such as `pbt`; absent to begin anew. */
  readonly from?: number
}

/** A study that is asked and told. */
export interface OpenStudy<P> {
  /** What to run next; undefined once the study is over. What was asked for and never told is asked for again, by whoever opens the study next. */
  ask(): Asked<P> | undefined
  /** Ends a trial by its result, or by the error that it failed with. */
  tell(number: number, result: Metrics | Error): Trial
  /** The best of the trials that were told. */
  best(): Trial | undefined
  close(): void
}

/**
 * Opens a study for a program that runs its own loop, in `results` of the working directory or another one: `tune list`,
 * `tune best` and Optuna see its trials as those of any study.
 * @example
 * const study = await openStudy({ name: 'mine', goal: maximize('pq'), space: { lr: loguniform(1e-5, 1e-1) }, budget: { trials: 50 } })
 * for (let trial = study.ask(); trial; trial = study.ask()) {
 *   study.tell(trial.number, { pq: await evaluate(trial.params) })
 * }
 */
export async function openStudy<S extends Space, E extends Params = Record<never, never>>(
  definition: AskedStudy<S, E>,
  { results = 'results' }: { readonly results?: string } = {},
): Promise<OpenStudy<Values<S> & E>> {
  const { openSqliteStore } = await import('../store/sqlite.ts')
  const study = studyOf(definition)
  const sampler = study.sampler ?? auto()
  const store = openSqliteStore(results)
  const trials = store.open(recordOf(study, ''), { acceptCodeChange: true })
  const [startedAt, earlier] = [systemClock.now(), earlierTrials(study, store)]
  const askedAt = new Map<number, number>()
  const ask = (): ReturnType<OpenStudy<Values<S> & E>['ask']> => {
    const now = systemClock.now()
    const [seconds, runningSeconds] = [secondsSince([startedAt], now), secondsSince(askedAt.values(), now)]
    const progress = { study, history: trials.history(), isStopping: false, endedNow: [], seconds, runningSeconds, earlier } // prettier-ignore
    const chosen = choose({ ...progress, advise: (history, number) => suggest(study, sampler, history, number) })
    if (typeof chosen === 'string' || chosen instanceof Promise) return undefined
    const derived = derivedOf(study, chosen.params)
    const trial = startTrial(trials, { ...chosen, derived, device: { kind: 'cpu', index: 0, threads: 1 } })
    if (!trial) return ask()
    const { number, params, seed, from } = trial
    askedAt.set(number, systemClock.now())
    return { number, params: { ...params, ...derived } as Values<S> & E, seed, ...(from !== undefined && { from }) }
  }
  return {
    ask,
    tell: (number, result) => {
      const now = systemClock.now()
      const told = tell(study, trials, number, result, secondsSince([askedAt.get(number) ?? now], now))
      askedAt.delete(number)
      return told
    },
    best: () => best(trials.history()),
    close: () => store.close(),
  }
}

function studyOf(definition: object): Study {
  const asked = { budget: { trials: Number.MAX_SAFE_INTEGER }, ...definition, objective: runElsewhere }
  return parseStudy(defineStudy(asked as never), 'openStudy')
}

function runElsewhere(): never {
  throw new Error('this study is asked and told: its own program runs the trials')
}

function tell(study: Study, trials: StudyStore, number: number, result: Metrics | Error, seconds: number): Trial {
  const asked = trials.history().trials.find((trial) => trial.number === number)
  if (asked?.outcome.state !== 'running')
    throw new TuneError('usage', `tell(${number}, ...): no such trial is waiting to be told how it ended`, {
      hint: 'each trial that ask() gives is told once',
    })
  const parsed = result instanceof Error ? { failed: failureOf(result) } : parseReport(result, study.goals, 1)
  const outcome: Exclude<Outcome, { state: 'running' }> = 'failed' in parsed ? parsed.failed : { state: 'complete' }
  if ('metrics' in parsed) trials.report(number, { step: 1, metrics: parsed.metrics, at: systemClock.now() })
  return trials.finish(number, outcome, seconds)
}
