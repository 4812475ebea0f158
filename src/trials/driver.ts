import { TuneError } from '../errors.ts'
import { spaceSpec } from '../space.ts'
import type { StudyRecord } from '../store/store.ts'
import type { Study } from '../study.ts'
import { hasEnded, isPlaced, type Device, type History } from '../trial.ts'
import { attempt, endTrial } from './attempt.ts'
import { choose, type Chosen } from './choose.ts'
import { derivedOf } from './derived.ts'
import type { Slot } from './executor.ts'
import { progressOf, startSession, warn, type Session, type StudyRun } from './session.ts'
import { startTrial } from './start_trial.ts'
import { endText, type Why } from './stopping.ts'

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
 *
 * A study has one driver, which holds a lock that the kernel frees however that process ends. Whoever gets the lock finds
 * what the last one left: its trials wait, and no worker of it is alive any more. So liveness needs no clock, and no trial
 * ever has two attempts at a time.
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

/** Feeds every slot until none can take a trial. Where one lane cannot go on, such as on a full disk, all stop. */
async function runLanes(session: Session, halt: AbortController): Promise<Why> {
  const lanes = session.executor.slots.map(async (slot): Promise<Why> => {
    try {
      return await feed(session, slot)
    } catch (error) {
      halt.abort(error)
      return 'interrupted'
    } finally {
      session.lanes.delete(slot)
      session.room.leave(slot)
    }
  })
  const whys = await Promise.all(lanes)
  if (halt.signal.aborted) throw halt.signal.reason
  return strongest(whys)
}

/** Runs trials in one slot for as long as there are any; why there are none. */
async function feed(session: Session, slot: Slot): Promise<Why> {
  for (;;) {
    const hasRoom = session.room.mayTake(slot)
    if (hasRoom instanceof Promise) {
      await hasRoom
      continue
    }
    if (!hasRoom) return 'budget'
    // From here to `start` nothing else runs: no two lanes can take the same trial or the budget's last place.
    const chosen = chooseNext(session)
    if (chosen instanceof Promise) {
      await chosen
      continue
    }
    if (typeof chosen === 'string') {
      if (!mayFindMore(session, chosen)) return chosen
      await Promise.race(session.busy)
      continue
    }
    const failed = await runChosen(session, slot, chosen)
    if (!session.executor.slots.includes(slot)) return giveUpSlot(session, slot)
    if (failed?.code === 'trial/oom' && sharers(session, slot).length > 0) return giveWay(session, slot)
  }
}

async function runChosen(session: Session, slot: Slot, chosen: Chosen): ReturnType<typeof attempt> {
  const { promotion, ...start } = chosen
  const derived = derivedOf(session.study, start.params)
  const trial = startTrial(session.trials, { ...start, derived, device: slot.device })
  if (!trial) return undefined
  if (promotion) session.onVerdict(trial, promotion)
  const again = chosen.number !== undefined
  session.onEvent({ kind: 'trial-started', trial, slot: slot.index, again, at: session.now() })
  if (session.adviser.isAhead()) void chooseNext(session)
  const end = attempt(session, trial, slot, chosen)
  const settled = end.then(() => undefined)
  settled.catch(() => undefined) // whoever waits for it is told, and there may be nobody
  session.busy.add(settled)
  return await end.finally(() => session.busy.delete(settled))
}

function chooseNext(session: Session): ReturnType<typeof choose> {
  return choose({ ...progressOf(session), advise: session.adviser.advise, earlier: session.earlier })
}

/** Whether a slot that has nothing to do may get a trial once another ends: a promoted one, or one to attempt again. */
function mayFindMore({ busy }: Session, why: Why): boolean {
  return busy.size > 0 && (why === 'budget' || why === 'exhausted')
}

/** A slot whose worker hangs where nothing can end it runs no more trials. */
function giveUpSlot(session: Session, slot: Slot): Why {
  if (session.executor.slots.length === 0) {
    throw new TuneError('device/none', `${session.study.name}: every slot is held by a trial that hangs`, {
      hint: `tune resume ${session.study.name} --executor processes can end such trials`,
    })
  }
  session.onWarning(`slot ${slot.index} is given up: the trial in it hangs, and a thread cannot be ended from outside`)
  return 'budget'
}

/** The other slots that run trials on the same device. */
function sharers({ lanes, room }: Session, slot: Slot): readonly Slot[] {
  return [...lanes].filter(
    (other) => other !== slot && isSame(other.device, slot.device) && room.mayTake(other) === true,
  )
}

/** Leaves the memory of a device to the other slots there. */
function giveWay(session: Session, slot: Slot): Why {
  session.lanes.delete(slot)
  const left = sharers(session, slot).length
  session.onWarning(`the memory of ${nameOf(slot.device)} is too small: from now on it runs ${left} at once`)
  return 'budget'
}

function isSame(a: Device, b: Device): boolean {
  return a.kind === b.kind && a.index === b.index
}

function nameOf({ kind, index }: Device): string {
  return kind === 'cpu' ? 'the machine' : `${kind}:${index}`
}

/** Ends the trials that still wait when nothing is left to run: each is pruned where it paused, and stays so. */
function giveUpPaused(session: Session): void {
  for (const { number, reports, outcome } of session.trials.history().trials) {
    if (outcome.state !== 'paused') continue
    const reason = `it still waited after step ${reports.length} when the study ended`
    endTrial(session, number, { outcome: { state: 'pruned' }, reason })
  }
}

/** What a store keeps of a study. */
export function recordOf(study: Study, codeHash: string): StudyRecord {
  const { name, goals, constraints, space, settings, seed, budget } = study
  return { name, goals, constraints, space: spaceSpec(space), settings, seed, steps: budget.steps ?? null, codeHash }
}

function announce({ study, store, sampler, executor, clock, onEvent }: StudyRun, { trials }: History): void {
  const ended = trials.filter(hasEnded).length
  const { budget, goals, name, pruner } = study
  const slots = executor.slots.length
  const at = clock.now()
  onEvent({ kind: 'study-started', study: name, goals, ended, trials: budget.trials, steps: budget.steps, slots, at })
  const by = { sampler: (study.sampler ?? sampler).name, pruner: pruner?.name ?? null }
  store.log(name, { kind: 'study-started', ended, budget: { ...budget }, slots, ...by })
}

function conclude({ study, store, clock, onEvent }: StudyRun, end: StudyEnd, startedAt: number): void {
  const { why, reason, history } = end
  const at = clock.now()
  const seconds = Math.max(0, at - startedAt) / 1000
  onEvent({ kind: 'study-ended', study: study.name, why, reason, trials: history.trials, seconds, at })
  store.log(study.name, { kind: 'study-ended', why, reason, seconds })
}

/** A space that shrank on resume leaves trials behind: they are not lost, but samplers cannot learn from them. */
function warnOfUnplaced(run: StudyRun, history: History): void {
  const count = history.trials.filter((trial) => !isPlaced(history, trial)).length
  if (count > 0) warn(run, `${count} of ${history.trials.length} earlier trials lie outside the space as it is now: they stay stored, and inform no suggestion`) // prettier-ignore
}

/** The reason that says most, of those that lanes stopped for. */
function strongest(whys: readonly Why[]): Why {
  const order: readonly Why[] = ['interrupted', 'failures', 'target', 'settled', 'hours', 'device-hours', 'exhausted']
  return order.find((why) => whys.includes(why)) ?? 'budget'
}
