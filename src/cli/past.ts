import type { LoggedEvent, StoredStudy } from '../store/store.ts'
import { hasEnded, type History, type Outcome, type Trial } from '../trial.ts'

/** A decision of a pruner as it was logged. */
export interface Decision {
  readonly trial: number
  readonly step: number
  readonly at: number
  readonly pruner: string
  readonly action: 'keep' | 'stop' | 'pause' | 'promote'
  readonly reason: string
  readonly numbers: Readonly<Record<string, number>>
}

/** As the driver logs it: JSON has no word for some numbers, which are strings. */
type Logged = Omit<Decision, 'numbers'> & { readonly numbers: Readonly<Record<string, number | string>> }

/** The decisions of a log, in their order. One that is not as the driver logs it says nothing. */
export function decisionsOf(events: readonly LoggedEvent[]): readonly Decision[] {
  const judged = events.filter(isJudged) as readonly unknown[] as readonly Logged[]
  return judged.map((decision) => {
    const numbers = Object.entries(decision.numbers).map(([name, value]) => [name, Number(value)])
    return { ...decision, numbers: Object.fromEntries(numbers) as Decision['numbers'] }
  })
}

function isJudged({ kind, trial, step, pruner, action, reason, numbers }: LoggedEvent): boolean {
  const isWhole = [trial, step].every(Number.isSafeInteger) && typeof numbers === 'object' && numbers !== null
  return kind === 'trial-judged' && isWhole && [pruner, action, reason].every((text) => typeof text === 'string')
}

interface Known {
  /** Whether what happened in the very millisecond of the decision had happened before it. */
  readonly withTies: boolean
  /** By which it is known when trials ended or paused. Absent: with their last report. */
  readonly attempts?: StoredStudy['attempts']
}

/**
 * The history as it was known when a decision was made: reports until then, and what trials had come to by then. Between
 * its last report and its end, a trial's objective cleans up: that takes a moment, or long.
 */
export function pastOf(
  history: History,
  decisions: readonly Decision[],
  { trial: number, step, at, action }: Decision,
  { withTies, attempts = () => [] }: Known,
): History {
  const isBefore = (time: number) => (withTies ? time <= at : time < at)
  const trials = history.trials.map((trial): Trial => {
    if (trial.number === number) {
      const outcome: Outcome = { state: action === 'promote' ? 'paused' : 'running' }
      return { ...trial, reports: trial.reports.filter((report) => report.step <= step), outcome }
    }
    const reports = trial.reports.filter((report) => isBefore(report.at))
    const last = decisions.findLast((other) => other.trial === trial.number && isBefore(other.at))
    const outcome = outcomeThen(trial, reports.length, last)
    const isEnding = outcome.state !== 'running' && attempts(trial.number).some(({ startedAt, endedAt }) => isBefore(startedAt) && !isBefore(endedAt ?? Infinity)) // prettier-ignore
    return { ...trial, reports, outcome: isEnding ? { state: 'running' } : outcome }
  })
  return { ...history, trials }
}

/** What a trial has come to by its reports. */
function outcomeThen(trial: Trial, reports: number, last: Decision | undefined): Outcome {
  if (last?.action === 'pause' && last.step === reports && trial.reports.length >= reports) return { state: 'paused' }
  return hasEnded(trial) && trial.reports.length === reports && reports > 0 ? trial.outcome : { state: 'running' }
}
