import { lossAtStep, lossOf } from '../trial.ts'
import { quantile } from './numeric/quantile.ts'
import { verdict, type Pruner } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'

interface MedianOptions {
  /** Steps at the start of each trial at which it is left alone. Default 0. */
  readonly warmupSteps?: number
  /** Complete trials that must have reported a step before another is stopped there. Default 5. */
  readonly minTrials?: number
}

/**
 * Stops a trial whose best report so far is worse than the median of what complete trials reported at the same step.
 * Gentler than `asha`: half of the trials go on at each step. (Golovin et al. 2017, "Google Vizier"; as in Optuna.)
 */
export function median({ warmupSteps = 0, minTrials = 5 }: MedianOptions = {}): Pruner {
  return {
    name: 'median',
    judge(trial, { goals, trials }) {
      const goal = goals[0]!
      const step = trial.reports.at(-1)?.step ?? 0
      if (step <= warmupSteps) return undefined
      const losses = trial.reports.map((report) => lossOf(goal, report.metrics)).filter((loss) => !Number.isNaN(loss))
      const loss = losses.length === 0 ? Number.NaN : Math.min(...losses)
      const others = trials
        .filter((other) => other.number !== trial.number && other.outcome.state === 'complete')
        .map((other) => lossAtStep(goal, other, step))
        .filter((loss) => loss !== undefined)
      if (others.length < minTrials && !Number.isNaN(loss)) return undefined
      const cutoff = quantile(others.map(worstIfNaN), 0.5) ?? Infinity
      return verdict(
        goal,
        { step, loss, cutoff, others: others.length },
        `the median of ${others.length} complete trials`,
      )
    },
  }
}
