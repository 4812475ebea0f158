import { hasEnded, lossAt, violationAt, type Goal, type History, type Trial } from '../trial.ts'

/** The trials of a history as a sampler wants them. */
export interface Ranking {
  /** Trials that have ended, the most promising first. */
  readonly ended: readonly Trial[]
  /** Trials whose result is not known yet: running, or interrupted and to be run again. */
  readonly pending: readonly Trial[]
}

/**
 * The one order of trials in search, by the first goal: complete ones by loss, then pruned ones, those that came
 * further first, then complete ones that break constraints, those that break them least first, then the failed. A NaN
 * loss is no result: such a trial stands with the failed. Equal ones keep the order of their numbers.
 */
export function rank(history: History): Ranking {
  const goal = history.goals[0]
  if (!goal) throw new Error('a history has a goal')
  const ended = history.trials.filter(hasEnded)
  const keyed = ended.map((trial) => ({ trial, place: placeOf(history, goal, trial), loss: lossAt(goal, trial) }))
  const ordered = keyed.toSorted((a, b) => a.place - b.place || a.loss - b.loss || a.trial.number - b.trial.number)
  return { ended: ordered.map(({ trial }) => trial), pending: history.trials.filter((trial) => !hasEnded(trial)) }
}

/** The loss of a report, a NaN taken for the worst there is: the one policy of all pruners. */
export function worstIfNaN(loss: number): number {
  return Number.isNaN(loss) ? Infinity : loss
}

/** Lower is better: -Infinity for a result, minus its steps for a pruned trial, its violation, Infinity for no result. */
function placeOf(history: History, goal: Goal, trial: Trial): number {
  const { state } = trial.outcome
  if (state === 'failed' || Number.isNaN(lossAt(goal, trial))) return Infinity
  if (state === 'pruned') return -(trial.reports.at(-1)?.step ?? 0)
  return violationAt(history, trial) || -Infinity
}
