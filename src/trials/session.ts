import { resolve } from 'node:path'
import { isTuneError, messageOf, TuneError } from '../errors.ts'
import type { Clock } from '../clock.ts'
import type { StudyEvent } from '../event.ts'
import { cacheDir, ensureDir } from '../results.ts'
import type { Sampler } from '../search/sampler.ts'
import type { Store, StudyStore } from '../store/store.ts'
import type { Study } from '../study.ts'
import type { Trial } from '../trial.ts'
import { createAdviser, type Adviser, type AdviceThread } from './adviser.ts'
import { contentHash } from './content_hash.ts'
import { earlierTrials } from './earlier.ts'
import type { Executor, Slot } from './executor.ts'
import { createRoom, type Room } from './room.ts'
import { provenanceEvent } from './provenance.ts'
import type { TrialRun } from './run_trial.ts'
import { checkSendable, dataFor } from './sendable.ts'
import { sourcesFor, staleness, type Sources } from './sources.ts'
import { endOf, type Progress } from './stopping.ts'
import { suggest } from './suggest.ts'

/** Everything that one run of a study needs. */
export interface StudyRun {
  readonly study: Study
  /** URL of its bundle and the hash of its code, as `loadStudy` gives them. */
  readonly url: string
  readonly codeHash: string
  /** Goes on with a study whose code has changed since its trials. */
  readonly acceptCodeChange?: boolean
  readonly store: Store
  readonly executor: Executor
  /** How many trials at once each device has room for. Default: as many as it has slots. */
  readonly room?: Room
  /** For a study that names none. */
  readonly sampler: Sampler
  /** Opens a thread that suggests as the study's sampler does, or that default. Without it, all is done in this one. */
  readonly openAdviceThread?: () => AdviceThread
  /** The directory of all results. */
  readonly results: string
  readonly clock: Clock
  /** Aborted to start no more trials: those that run go on to their end. */
  readonly drain?: AbortSignal
  /** Aborted to stop: running trials are interrupted, and go on from their last checkpoint when the study continues. */
  readonly signal: AbortSignal
  readonly onEvent: (event: StudyEvent) => void
}

/** A run under way: what all lanes share. */
export interface Session extends StudyRun, Pick<TrialRun, 'trials' | 'now' | 'onReport' | 'onVerdict' | 'onWarning'> {
  /** What `prepare` gave. */
  readonly data: unknown
  /** Trials that this run has ended, in that order. */
  readonly endedNow: Trial[]
  /** Trials of the study that this one starts from. */
  readonly earlier: readonly Trial[]
  readonly adviser: Adviser
  /** When this run started, in milliseconds since 1970. */
  readonly startedAt: number
  /** When each trial that runs was last started. */
  readonly runningSince: Map<number, number>
  readonly room: Room
  /** Slots that take trials. */
  readonly lanes: Set<Slot>
  /** What the lanes are at: each resolves when its trial ends or waits. */
  readonly busy: Set<Promise<void>>
}

/** Prepares a study and its data for its trials. `halted` ends the run from within. */
export async function startSession(
  run: StudyRun,
  trials: StudyStore,
  startedAt: number,
  halted: AbortSignal,
): Promise<Session> {
  const { study, clock, executor, store } = run
  const signal = AbortSignal.any([run.signal, halted])
  const now = () => clock.now()
  const begun = { ...run, trials, signal, startedAt, now, endedNow: [], runningSince: new Map<number, number>(), lanes: new Set(executor.slots) } // prettier-ignore
  const isDone = endOf(progressOf(begun)) !== undefined
  return {
    ...begun,
    room: run.room ?? createRoom(executor.slots),
    earlier: earlierTrials(study, store),
    adviser: adviserOf(run),
    data: isDone ? undefined : await prepareUntil(run),
    busy: new Set(),
    onReport: (trial, report) => run.onEvent({ kind: 'trial-reported', trial, report, at: clock.now() }),
    onVerdict: ({ number, reports }, { action, reason, numbers }) => {
      const of = { trial: number, step: reports.length, pruner: study.pruner?.name ?? '' }
      store.log(study.name, { kind: 'trial-judged', ...of, action, reason, numbers: finiteNumbers(numbers) })
    },
    onWarning: (message) => warn(run, message),
  }
}

/** How far a run is. */
export function progressOf(
  session: Pick<Session, 'study' | 'trials' | 'signal' | 'drain' | 'endedNow' | 'startedAt' | 'runningSince' | 'now'>,
): Progress {
  const { study, trials, signal, drain, endedNow, startedAt, runningSince, now } = session
  const isStopping = signal.aborted || drain?.aborted === true
  const at = now()
  const [seconds, runningSeconds] = [secondsSince([startedAt], at), secondsSince(runningSince.values(), at)]
  return { study, history: trials.history(), isStopping, endedNow, seconds, runningSeconds }
}

/** How long ago some times are, all together. */
export function secondsSince(times: Iterable<number>, now: number): number {
  let sum = 0
  // A clock may be set back meanwhile.
  for (const time of times) sum += Math.max(0, now - time) / 1000
  return sum
}

/** With one slot, every suggestion knows all results before it: a seed gives the same study again. */
function adviserOf({ study, sampler, executor, openAdviceThread }: StudyRun): Adviser {
  const asked = study.sampler ?? sampler
  const isAlone = executor.slots.length === 1
  return createAdviser(
    (history, number) => suggest(study, asked, history, number),
    isAlone ? undefined : openAdviceThread,
  )
}

/** Says what is not as it should be, and keeps it in the study's log. */
export function warn({ study, store, clock, onEvent }: StudyRun, message: string): void {
  onEvent({ kind: 'warning', message, at: clock.now() })
  store.log(study.name, { kind: 'warning', message })
}

/** What `prepare` gives, or nothing once the run is told to stop: nobody waits for data that no trial will use. */
async function prepareUntil(run: StudyRun): Promise<unknown> {
  const { executor, study, drain, store, results } = run
  const signal = drain ? AbortSignal.any([run.signal, drain]) : run.signal
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const onEvent = (event: StudyEvent) => (signal.aborted ? undefined : run.onEvent(event))
  const sources = sourcesFor(study.name, store, results)
  const data = await Promise.race([stopped, prepare({ ...run, onEvent }, sources)])
  if (signal.aborted) return undefined
  checkSendable(executor, study, data)
  keepProvenance(run, data, sources)
  return dataFor(executor, data, sources)
}

/** Keeps where this run's trials come from, and says which of it is out of date. */
function keepProvenance(run: StudyRun, data: unknown, { asked }: Sources): void {
  const { study, store, results, codeHash: code, url } = run
  const { settings } = study
  store.log(study.name, provenanceEvent({ code, data: contentHash(data, resolve(results)), settings, sources: asked() }, url)) // prettier-ignore
  if (asked().length === 0) return
  const studies = store.list()
  const stored = studies.find(({ record }) => record.name === study.name)
  for (const reason of stored ? staleness(studies, stored) : []) warn(run, `stale: ${reason}; ${study.name} keeps to it, and --name starts it anew from the best`) // prettier-ignore
}

/** Lets the study read its data. An error of it is the study's, and no trial has begun. */
export async function prepare(
  { study, results, clock, onEvent }: Pick<StudyRun, 'study' | 'results' | 'clock' | 'onEvent'>,
  { bestOf }: Pick<Sources, 'bestOf'>,
): Promise<unknown> {
  if (!study.prepare) return undefined
  const progress = (message: string) => onEvent({ kind: 'preparing', message, at: clock.now() })
  try {
    return await study.prepare({ settings: study.settings, cacheDir: ensureDir(cacheDir(results)), progress, bestOf })
  } catch (error) {
    if (isTuneError(error)) throw error
    throw new TuneError('study/invalid', `${study.name}: its prepare failed: ${messageOf(error)}`, { cause: error })
  }
}

/** JSON has no word for the others. */
function finiteNumbers(numbers: Readonly<Record<string, number>>): Readonly<Record<string, number | string>> {
  const entries = Object.entries(numbers)
  return Object.fromEntries(entries.map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]))
}
