import { excessOf, type Constraint, type Metrics, type Trial } from '../trial.ts'
import { quantile } from './numeric/quantile.ts'

/** What is to be lowered, read from the metrics of a report. NaN where it was not reported. */
export type Measure = (metrics: Metrics | undefined) => number

/**
 * One finite number for each trial, lower being better, for a model that has to learn from all of them. A trial that
 * was pruned or is paused gets what it would have come to had it gone on as the complete ones did after that step, in
 * their median. What failed or gave NaN counts as bad as the worst that was seen, which keeps a model away from there;
 * infinite results count as the best and the worst finite ones. All are 0 where nothing finite was seen.
 */
export function finiteLosses(measure: Measure, trials: readonly Trial[]): Float64Array {
  const complete = trials.filter(({ outcome }) => outcome.state === 'complete')
  const changes = new Map<number, number>()
  const losses = trials.map((trial) => {
    const last = trial.reports.at(-1)
    if (!last || trial.outcome.state === 'failed') return Number.NaN
    if (trial.outcome.state === 'complete') return measure(last.metrics)
    if (!changes.has(last.step)) changes.set(last.step, laterChange(measure, complete, last.step))
    return measure(last.metrics) + (changes.get(last.step) ?? Number.NaN)
  })
  const finite = losses.filter(Number.isFinite)
  if (finite.length === 0) return new Float64Array(trials.length)
  const [lowest, highest] = [Math.min(...finite), Math.max(...finite)]
  return Float64Array.from(losses, (loss) => (Number.isNaN(loss) ? highest : Math.min(highest, Math.max(lowest, loss))))
}

/**
 * How far each trial is beyond a bound, by the same rules. One that ended without a measure of it, or with an infinite one,
 * does not keep it: it counts as the worst that was seen, and as no better than what is kept best is good.
 */
export function finiteExcesses(bound: Constraint, trials: readonly Trial[]): Float64Array {
  const excesses = finiteLosses((metrics) => excessOf(bound, metrics), trials)
  const furthest = excesses.reduce((most, excess) => Math.max(most, Math.abs(excess)), 0) || 1
  const isUnknown = trials.map(({ reports, outcome }) => outcome.state !== 'failed' && excessOf(bound, reports.at(-1)?.metrics) === Infinity) // prettier-ignore
  return excesses.map((excess, i) => (isUnknown[i] ? furthest : excess))
}

/** What a loss typically changes by from a step to the end; NaN where no complete trial reported at that step. */
function laterChange(measure: Measure, complete: readonly Trial[], step: number): number {
  const changes = complete.map(({ reports }) => {
    const then = reports.find((report) => report.step === step)
    return measure(reports.at(-1)?.metrics) - measure(then?.metrics)
  })
  return quantile(changes.filter(Number.isFinite), 0.5) ?? Number.NaN
}
