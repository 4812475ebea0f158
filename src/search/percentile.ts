import { TuneError } from '../errors.ts'
import { lossOf, type Goal, type Trial } from '../trial.ts'
import { lossesAtStep } from './at_step.ts'
import { quantile } from './numeric/quantile.ts'
import { verdict, type Pruner } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'

interface PercentileOptions {
  /** The share of complete trials, in percent, that a trial has to be among; 0 to 100. Default 25. */
  readonly percent?: number
  /** Steps at the start of each trial at which it is left alone. Default 0. */
  readonly warmupSteps?: number
  /** Complete trials that must have reported a step before another is stopped there. Default 5. */
  readonly minTrials?: number
}

/**
 * Stops a trial whose best report so far is not among the best `percent` of what complete trials reported at the same
 * step: `median` with another share, for when most configurations are known to be bad. With several goals, a trial is
 * compared by how many others dominate its newest report. (As Optuna's PercentilePruner, but for a trial whose newest
 * report is NaN: that is stopped, however good it was.)
 */
export function percentile({ percent = 25, warmupSteps = 0, minTrials = 5 }: PercentileOptions = {}): Pruner {
  if (!(percent >= 0 && percent <= 100))
    throw new TuneError('study/invalid', `percentile({ percent: ${percent} }): a share lies between 0 and 100`)
  return {
    name: 'percentile',
    judge(trial, { goals, trials }) {
      const step = trial.reports.at(-1)?.step ?? 0
      if (step <= warmupSteps) return undefined
      const complete = trials.filter(({ number, outcome }) => number !== trial.number && outcome.state === 'complete')
      const [newest = Number.NaN, ...theirs] = lossesAtStep(goals, [trial, ...complete], step)
      const loss = goals.length > 1 || Number.isNaN(newest) ? newest : lowest(goals[0]!, trial)
      const others = theirs.filter((other) => other !== undefined)
      if (others.length < minTrials && !Number.isNaN(loss)) return undefined
      const cutoff = quantile(others.map(worstIfNaN), percent / 100) ?? Infinity
      const share = percent === 50 ? 'the median' : `the best ${percent} %`
      const named = `${share} of ${others.length} complete trials`
      return verdict(goals, { step, loss, cutoff, others: others.length }, named)
    },
  }
}

/** The lowest loss that a trial has reported, of those that are numbers. */
function lowest(goal: Goal, { reports }: Trial): number {
  return Math.min(...reports.map(({ metrics }) => lossOf(goal, metrics)).filter((loss) => !Number.isNaN(loss)))
}
