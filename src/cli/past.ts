import type { LoggedEvent } from '../store/store.ts'
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

/**
 * The history as it was known when a decision was made: reports until then, and what trials had come to by them. What
 * others reported in the very millisecond may have come before or after.
 */
export function pastOf(
  history: History,
  decisions: readonly Decision[],
  { trial: number, step, at, action }: Decision,
  { withTies }: { readonly withTies: boolean },
): History {
  const isBefore = (time: number) => (withTies ? time <= at : time < at)
  const trials = history.trials.map((trial): Trial => {
    if (trial.number === number) {
      const outcome: Outcome = { state: action === 'promote' ? 'paused' : 'running' }
      return { ...trial, reports: trial.reports.filter((report) => report.step <= step), outcome }
    }
    const reports = trial.reports.filter((report) => isBefore(report.at))
    const last = decisions.findLast((other) => other.trial === trial.number && isBefore(other.at))
    return { ...trial, reports, outcome: outcomeThen(trial, reports.length, last) }
  })
  return { ...history, trials }
}

/** A trial ends with its last report, but for the moment that its objective takes to finish. */
function outcomeThen(trial: Trial, reports: number, last: Decision | undefined): Outcome {
  if (last?.action === 'pause' && last.step === reports && trial.reports.length >= reports) return { state: 'paused' }
  return hasEnded(trial) && trial.reports.length === reports && reports > 0 ? trial.outcome : { state: 'running' }
}
