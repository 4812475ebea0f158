import type { Clock } from '../clock.ts'
import { isTuneError, messageOf, TuneError } from '../errors.ts'
import type { StudyEvent } from '../event.ts'
import { cacheDir, checkpointDir, emptyDir, ensureDir, isEmpty, removeDir, trialDir } from '../results.ts'
import type { Sampler } from '../search/sampler.ts'
import { spaceSpec } from '../space.ts'
import type { Store, StudyRecord, StudyStore } from '../store/store.ts'
import type { Study } from '../study.ts'
import { hasEnded, isPlaced, type History, type Trial } from '../trial.ts'
import { createAdviser, type Adviser, type AdviceThread } from './adviser.ts'
import { choose, type Chosen } from './choose.ts'
import { derivedOf } from './derived.ts'
import { earlierTrials } from './earlier.ts'
import type { Executor, Slot } from './executor.ts'
import { judge, maxSteps, runTrial, type End, type TrialRun } from './run_trial.ts'
import { checkSendable } from './sendable.ts'
import { endOf, endText, type Progress, type Why } from './stopping.ts'
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
  /** For a study that names none. */
  readonly sampler: Sampler
  /** Opens a thread that suggests as the study's sampler does, or that default. Without it, all is done in this one. */
  readonly openAdviceThread?: () => AdviceThread
  /** The directory of all results. */
  readonly results: string
  readonly clock: Clock
  /** Aborted to stop: running trials are interrupted, and run again by whoever continues. */
  readonly signal: AbortSignal
  readonly onEvent: (event: StudyEvent) => void
}

/** How a run ended, and all trials of its study. */
export interface StudyEnd {
  readonly why: Why
  /** The same in a sentence without its subject, which is the study. */
  readonly reason: string
  readonly history: History
}

/**
 * Runs a study until its budget is spent, or continues it: every slot takes one trial after another. Throws a `TuneError`
 * where the study cannot go on, with everything stored that had happened.
 */
export async function runStudy(run: StudyRun): Promise<StudyEnd> {
  const startedAt = run.clock.now()
  const trials = run.store.open(recordOf(run.study, run.codeHash), { acceptCodeChange: run.acceptCodeChange ?? false })
  announce(run, trials.history())
  warnOfUnplaced(run, trials.history())

  const halt = new AbortController()
  const session = await startSession(run, trials, startedAt, halt.signal)
  const why = await runLanes(session, halt).finally(() => session.adviser.close())
  if (!['interrupted', 'failures', 'hours', 'device-hours'].includes(why)) giveUpPaused(session)
  const reason = endText(why, progressOf(session))
  if (why === 'failures') warn(run, reason)
  const end = { why, reason, history: trials.history() }
  conclude(run, end, startedAt)
  return end
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

/** A run under way: what all lanes share. */
interface Session extends StudyRun, Pick<TrialRun, 'trials' | 'now' | 'onReport' | 'onVerdict' | 'onWarning'> {
  /** What `prepare` gave. */
  readonly data: unknown
  /** Trials that this run has ended, in that order. */
  readonly endedNow: Trial[]
  /** Trials of the study that this one starts from. */
  readonly earlier: readonly Trial[]
  readonly adviser: Adviser
  /** When this run started, in milliseconds since 1970. */
  readonly startedAt: number
  /** What the lanes are at: each resolves when its trial ends or waits. */
  readonly busy: Set<Promise<void>>
}

async function startSession(
  run: StudyRun,
  trials: StudyStore,
  startedAt: number,
  halted: AbortSignal,
): Promise<Session> {
  const { study, clock } = run
  const signal = AbortSignal.any([run.signal, halted])
  const now = () => clock.now()
  const isDone = endOf(progressOf({ study, trials, signal, endedNow: [], startedAt, now })) !== undefined
  return {
    ...run,
    startedAt,
    earlier: earlierTrials(study, run.store),
    adviser: adviserOf(run),
    trials,
    data: isDone ? undefined : await prepareUntil(run),
    signal,
    endedNow: [],
    busy: new Set(),
    now,
    onReport: (trial, report) => run.onEvent({ kind: 'trial-reported', trial, report, at: clock.now() }),
    onVerdict: ({ number, reports }, { action, reason, numbers }) => {
      const of = { trial: number, step: reports.length, pruner: study.pruner?.name ?? '' }
      run.store.log(study.name, { kind: 'trial-judged', ...of, action, reason, numbers: finiteNumbers(numbers) })
    },
    onWarning: (message) => warn(run, message),
  }
}

function progressOf(
  session: Pick<Session, 'study' | 'trials' | 'signal' | 'endedNow' | 'startedAt' | 'now'>,
): Progress {
  const { study, trials, signal, endedNow, startedAt, now } = session
  const seconds = (now() - startedAt) / 1000
  return { study, history: trials.history(), isAborted: signal.aborted, endedNow, seconds }
}

/** Feeds every slot until none can take a trial. Where one lane cannot go on, such as on a full disk, all stop. */
async function runLanes(session: Session, halt: AbortController): Promise<Why> {
  const lanes = session.executor.slots.map(async (slot): Promise<Why> => {
    try {
      return await feed(session, slot)
    } catch (error) {
      halt.abort(error)
      return 'interrupted'
    }
  })
  const whys = await Promise.all(lanes)
  if (halt.signal.aborted) throw halt.signal.reason
  return strongest(whys)
}

/** Runs trials in one slot for as long as there are any; why there are none. */
async function feed(session: Session, slot: Slot): Promise<Why> {
  for (;;) {
    // From here to `start` nothing else runs: no two lanes can take the same trial or the budget's last place.
    const chosen = chooseNext(session)
    if (chosen instanceof Promise) {
      await chosen
      continue
    }
    if (typeof chosen === 'string') {
      if (!mayPromote(session, chosen)) return chosen
      await Promise.race(session.busy)
      continue
    }
    const { promotion, ...start } = chosen
    const derived = derivedOf(session.study, start.params)
    const trial = session.trials.start({ ...start, derived, device: slot.device })
    if (promotion) session.onVerdict(trial, promotion)
    session.onEvent({
      kind: 'trial-started',
      trial,
      slot: slot.index,
      again: chosen.number !== undefined,
      at: session.now(),
    })
    if (session.adviser.isAhead()) void chooseNext(session)
    const end = runToEnd(session, trial, slot, chosen)
    session.busy.add(end)
    await end.finally(() => session.busy.delete(end))
  }
}

function chooseNext(session: Session): ReturnType<typeof choose> {
  return choose({ ...progressOf(session), advise: session.adviser.advise, earlier: session.earlier })
}

/** Whether a slot that has nothing to do may get a paused trial, once another has come as far. */
function mayPromote({ study, busy }: Session, why: Why): boolean {
  return study.pruner?.promote !== undefined && busy.size > 0 && (why === 'budget' || why === 'exhausted')
}

async function runToEnd(session: Session, started: Trial, slot: Slot, chosen: Chosen): Promise<void> {
  // Whoever was interrupted may not have been judged by its newest report; a promotion is a judgement.
  const isUnjudged = started.reports.length > 0 && !chosen.promotion
  const from = session.now()
  const end = (isUnjudged && judge(session, started)) || (await runOn(session, started, slot))
  endTrial(session, started.number, end, (session.now() - from) / 1000)
}

/** Runs a trial from its start, or from its checkpoint where it has reported and kept one. */
function runOn(session: Session, started: Trial, slot: Slot): Promise<End> {
  const { study, results, url, data } = session
  const { number, params, derived, seed, device, from } = started
  const dir = trialDir(results, study.name, number)
  const reported = isEmpty(checkpointDir(dir)) ? 0 : started.reports.length
  if (reported === 0) emptyDir(dir)
  const job = {
    studyUrl: url,
    number,
    params: { ...params, ...derived },
    seed,
    device,
    maxSteps: maxSteps(study),
    dir,
    reported,
    ...(from !== undefined && { from: trialDir(results, study.name, from) }),
    settings: study.settings,
    data,
  }
  return runTrial(session, started, job, slot)
}

/** Stores how a trial ended, or that it waits. */
function endTrial(session: Session, number: number, { outcome, reason }: End, seconds = 0): void {
  const trial = session.trials.finish(number, outcome, seconds)
  if (hasEnded(trial)) {
    session.endedNow.push(trial)
    removeDir(checkpointDir(trialDir(session.results, session.study.name, number)))
  }
  session.onEvent({ kind: 'trial-ended', trial, outcome, reason, at: session.now() })
}

/** Ends the trials that still wait when nothing is left to run: each is pruned where it paused, and stays so. */
function giveUpPaused(session: Session): void {
  for (const { number, reports, outcome } of session.trials.history().trials) {
    if (outcome.state !== 'paused') continue
    const reason = `it still waited after step ${reports.length} when the study ended`
    endTrial(session, number, { outcome: { state: 'pruned' }, reason })
  }
}

/** JSON has no word for the others. */
function finiteNumbers(numbers: Readonly<Record<string, number>>): Readonly<Record<string, number | string>> {
  const entries = Object.entries(numbers)
  return Object.fromEntries(entries.map(([name, value]) => [name, Number.isFinite(value) ? value : String(value)]))
}

/** What a store keeps of a study. */
export function recordOf(study: Study, codeHash: string): StudyRecord {
  const { name, goals, constraints, space, settings, seed, budget } = study
  return { name, goals, constraints, space: spaceSpec(space), settings, seed, steps: budget.steps ?? null, codeHash }
}

function announce({ study, store, sampler, executor, clock, onEvent }: StudyRun, { trials }: History): void {
  const ended = trials.filter(hasEnded).length
  const { budget, goals, name } = study
  const slots = executor.slots.length
  onEvent({
    kind: 'study-started',
    study: name,
    goals,
    ended,
    trials: budget.trials,
    steps: budget.steps,
    slots,
    at: clock.now(),
  })
  store.log(name, {
    kind: 'study-started',
    ended,
    budget: { ...budget },
    slots,
    sampler: (study.sampler ?? sampler).name,
    pruner: study.pruner?.name ?? null,
  })
}

function conclude({ study, store, clock, onEvent }: StudyRun, end: StudyEnd, startedAt: number): void {
  const { why, reason, history } = end
  const at = clock.now()
  const seconds = (at - startedAt) / 1000
  onEvent({ kind: 'study-ended', study: study.name, why, reason, trials: history.trials, seconds, at })
  store.log(study.name, { kind: 'study-ended', why, reason, seconds })
}

/** A space that shrank on resume leaves trials behind: they are not lost, but samplers cannot learn from them. */
function warnOfUnplaced(run: StudyRun, history: History): void {
  const count = history.trials.filter((trial) => !isPlaced(history, trial)).length
  if (count > 0) warn(run, `${count} of ${history.trials.length} earlier trials lie outside the space as it is now: they stay stored, and inform no suggestion`) // prettier-ignore
}

function warn({ study, store, clock, onEvent }: StudyRun, message: string): void {
  onEvent({ kind: 'warning', message, at: clock.now() })
  store.log(study.name, { kind: 'warning', message })
}

/** What `prepare` gives, or nothing once the run is told to stop: nobody waits for data that no trial will use. */
async function prepareUntil(run: StudyRun): Promise<unknown> {
  const { signal, executor, study } = run
  const stopped = new Promise<undefined>((resolve) => {
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
  const onEvent = (event: StudyEvent) => (signal.aborted ? undefined : run.onEvent(event))
  const data = await Promise.race([stopped, prepare({ ...run, onEvent })])
  if (!signal.aborted) checkSendable(executor, study, data)
  return data
}

/** Lets the study read its data. An error of it is the study's, and no trial has begun. */
export async function prepare({
  study,
  results,
  clock,
  onEvent,
}: Pick<StudyRun, 'study' | 'results' | 'clock' | 'onEvent'>): Promise<unknown> {
  if (!study.prepare) return undefined
  const progress = (message: string) => onEvent({ kind: 'preparing', message, at: clock.now() })
  try {
    return await study.prepare({ settings: study.settings, cacheDir: ensureDir(cacheDir(results)), progress })
  } catch (error) {
    if (isTuneError(error)) throw error
    throw new TuneError('study/invalid', `${study.name}: its prepare failed: ${messageOf(error)}`, { cause: error })
  }
}

/** The reason that says most, of those that lanes stopped for. */
function strongest(whys: readonly Why[]): Why {
  const order: readonly Why[] = ['interrupted', 'failures', 'target', 'settled', 'hours', 'device-hours', 'exhausted']
  return order.find((why) => whys.includes(why)) ?? 'budget'
}
