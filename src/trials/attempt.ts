import { checkpointDir, emptyDir, isEmpty, removeDir, trialDir } from '../results.ts'
import { hasEnded, type Failure, type Trial } from '../trial.ts'
import type { Chosen } from './choose.ts'
import type { Slot } from './executor.ts'
import { isRunAgain } from './retries.ts'
import { judge, maxSteps, runTrial, type End } from './run_trial.ts'
import { secondsSince, type Session } from './session.ts'

/**
 * Runs a started trial once more, to its end or until it waits, and stores how that went: an attempt. How it failed, where
 * it is to be attempted again.
 */
export async function attempt(
  session: Session,
  started: Trial,
  slot: Slot,
  chosen: Chosen,
): Promise<Failure | undefined> {
  // Whoever was interrupted may not have been judged by its newest report; a promotion is a judgement.
  const isUnjudged = started.reports.length > 0 && !chosen.promotion
  const from = session.now()
  session.runningSince.set(started.number, from)
  const end = (isUnjudged && judge(session, started)) || (await runOn(session, started, slot))
  const failed = failureToMend(session, started, end)
  const seconds = secondsSince([from], session.now())
  session.runningSince.delete(started.number)
  if (!failed) endTrial(session, started.number, end, seconds)
  else endTrial(session, started.number, { ...end, outcome: { state: 'interrupted', after: failed } }, seconds)
  return failed
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

/** How an attempt failed that is worth another. */
function failureToMend(session: Session, started: Trial, { outcome }: End): Failure | undefined {
  if (outcome.state !== 'failed') return undefined
  const { code, message } = outcome
  const dir = trialDir(session.results, session.study.name, started.number)
  const reports = session.trials.history().trials.find(({ number }) => number === started.number)?.reports ?? []
  const hasAdvanced = reports.length > started.reports.length && !isEmpty(checkpointDir(dir))
  return isRunAgain({ code, message }, started.failures ?? [], hasAdvanced) ? { code, message } : undefined
}

/** Stores how a trial ended, or that it waits. */
export function endTrial(session: Session, number: number, { outcome, reason }: End, seconds = 0): void {
  const trial = session.trials.finish(number, outcome, seconds)
  if (hasEnded(trial)) {
    session.endedNow.push(trial)
    removeDir(checkpointDir(trialDir(session.results, session.study.name, number)))
  }
  session.onEvent({ kind: 'trial-ended', trial, outcome, reason, at: session.now() })
}
