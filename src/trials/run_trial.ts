import type { Verdict } from '../search/pruner.ts'
import type { StudyStore } from '../store/store.ts'
import type { Study } from '../study.ts'
import { BASELINE, type Outcome, type Report, type Trial } from '../trial.ts'
import { blame } from './blame.ts'
import type { Executor, Job, Slot } from './executor.ts'
import { failureOf, parseReport, type Failed, type Parsed } from './report.ts'

/** What a trial needs of the run that it is part of. */
export interface TrialRun {
  readonly study: Study
  readonly executor: Executor
  readonly trials: StudyStore
  /** Aborted when the whole run has to end. */
  readonly signal: AbortSignal
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly onReport: (trial: Trial, report: Report) => void
  readonly onVerdict: (trial: Trial, verdict: Verdict) => void
  readonly onWarning: (message: string) => void
}

/** How a trial ended, or that it waits, and why, in words. */
export interface End {
  readonly outcome: Exclude<Outcome, { state: 'running' }>
  readonly reason: string
}

/**
 * Reads a started trial until its objective ends, it fails, or it is told to stop or to wait, and stores its reports as
 * they come, but for those that it has made before. To store its end is the caller's. Throws only what the store throws.
 */
export async function runTrial(run: TrialRun, started: Trial, job: Job, slot: Slot): Promise<End> {
  const late = deadline(run.study)
  const signal = AbortSignal.any([run.signal, late])
  const reports = run.executor.run(job, slot, signal)[Symbol.asyncIterator]()
  let trial = started
  let step = job.reported
  try {
    for (;;) {
      const read = await readReport(run.study, reports, ++step)
      // Whoever asked the trial to end knows better why it did than what it yielded or threw then.
      if (run.signal.aborted) return { outcome: { state: 'interrupted' }, reason: 'interrupted' }
      if (late.aborted) return failure(timeout(run.study))
      if (read === undefined) return ended(trial)
      if ('failed' in read) return failure(read.failed)
      // An objective that began anew repeats what is known of it.
      if (step <= started.reports.length) continue
      const report = { step, metrics: read.metrics, at: run.now() }
      trial = run.trials.report(trial.number, report)
      run.onReport(trial, report)
      const end = judge(run, trial)
      if (end) return end
    }
  } finally {
    await stopReading(run, reports, trial)
  }
}

/** The next report, how the trial fails in its place, or undefined where the objective has ended. */
async function readReport(study: Study, reports: AsyncIterator<unknown>, step: number): Promise<Parsed | undefined> {
  try {
    const { done, value } = await reports.next()
    return done === true ? undefined : parseReport(value, study.goals, step)
  } catch (error) {
    return { failed: failureOf(error) }
  }
}

/** Whether a trial ends by its newest report, or waits: it has all it may have, or is not worth going on now. */
export function judge({ study, trials, onVerdict }: TrialRun, trial: Trial): End | undefined {
  const step = trial.reports.length
  if (step >= maxSteps(study)) return { outcome: { state: 'complete' }, reason: `reached its budget of ${count(step)}` }
  const { pruner } = study
  if (!pruner || trial.number === BASELINE) return undefined
  const verdict = blame(`pruner '${pruner.name}'`, () => pruner.judge(trial, trials.history()))
  if (verdict) onVerdict(trial, verdict)
  if (verdict?.action === 'stop') return { outcome: { state: 'pruned' }, reason: `${pruner.name} stopped it: ${verdict.reason}` } // prettier-ignore
  if (verdict?.action === 'pause') return { outcome: { state: 'paused' }, reason: `${pruner.name} paused it: ${verdict.reason}` } // prettier-ignore
  return undefined
}

/** Reports after which a trial is complete. */
export function maxSteps({ budget }: Study): number {
  return budget.steps ?? Infinity
}

function ended({ reports }: Trial): End {
  if (reports.length > 0)
    return { outcome: { state: 'complete' }, reason: `its objective ended after ${count(reports.length)}` }
  return failure(NO_REPORT)
}

/** How a trial fails whose objective ended before its first report. */
export const NO_REPORT: Failed = {
  state: 'failed',
  code: 'trial/no-report',
  message: 'its objective ended without a report',
}

function failure(outcome: Failed): End {
  return { outcome, reason: outcome.message }
}

/** Aborted when a trial that starts now has used up its time; never where it has no limit. */
function deadline({ budget: { trialSeconds } }: Study): AbortSignal {
  return trialSeconds === undefined ? new AbortController().signal : AbortSignal.timeout(Math.ceil(trialSeconds * 1000))
}

function timeout({ budget }: Study): Failed {
  return { state: 'failed', code: 'trial/timeout', message: `took longer than its budget of ${budget.trialSeconds} s` }
}

/** Its end is known by now, so that a `finally` of its own that fails only earns a warning. */
async function stopReading({ onWarning }: TrialRun, reports: AsyncIterator<unknown>, { number }: Trial): Promise<void> {
  try {
    await reports.return?.()
  } catch (error) {
    onWarning(`trial ${number} failed while it cleaned up: ${failureOf(error).message}`)
  }
}

function count(reports: number): string {
  return reports === 1 ? '1 report' : `${reports} reports`
}
