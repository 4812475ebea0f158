import { TuneError } from '../errors.ts'
import { describeConstraint, excessOf, type Constraint } from '../trial.ts'
import type { Pruner } from './pruner.ts'

interface ThresholdOptions {
  /** Steps at the start of each trial at which it is left alone. Default 0. */
  readonly warmupSteps?: number
}

/**
 * Stops a trial whose newest report breaks a bound, or lacks what is bounded: `threshold([atMost('loss', 20)])` ends those
 * that diverge, `threshold([atLeast('pq', 5)], { warmupSteps: 3 })` those that learn nothing. For what is known to be hopeless
 * whatever the other trials do; beside `constraints`, which look at results alone. (As Optuna's ThresholdPruner.)
 */
export function threshold(bounds: readonly Constraint[], { warmupSteps = 0 }: ThresholdOptions = {}): Pruner {
  if (bounds.length === 0)
    throw new TuneError('study/invalid', 'threshold([]): there is no bound to keep', {
      hint: "write threshold([atMost('loss', 20)])",
    })
  return {
    name: 'threshold',
    judge({ reports }) {
      const last = reports.at(-1)
      if (!last || last.step <= warmupSteps) return undefined
      const broken = bounds.find((bound) => excessOf(bound, last.metrics) > 0)
      const told = broken ?? bounds[0]!
      const value = last.metrics[told.metric] ?? Number.NaN
      const numbers = { step: last.step, value, bound: 'atMost' in told ? told.atMost : told.atLeast }
      const shown = `${told.metric} ${Number(value.toPrecision(4))} at step ${last.step}`
      return broken
        ? {
            action: 'stop',
            reason: `${shown} is not ${describeConstraint(broken).slice(told.metric.length + 1)}`,
            numbers,
          }
        : { action: 'keep', reason: `${shown} keeps ${bounds.map(describeConstraint).join(', ')}`, numbers }
    },
  }
}
