import { dominates, lossOf, type Goal, type Metrics, type Trial } from '../trial.ts'

/**
 * What trials reported at a step, as losses in their order: NaN is no result, undefined stands for a trial that never got
 * there. With several goals, the loss is how many of the trials dominate it there (Fonseca and Fleming 1993): those that
 * none dominates have 0.
 */
export function lossesAtStep(
  goals: readonly Goal[],
  trials: readonly Trial[],
  step: number,
): readonly (number | undefined)[] {
  const metrics = trials.map(({ reports }) => reports.find((report) => report.step === step)?.metrics)
  const losses = comparable(
    goals,
    metrics.filter((one) => one !== undefined),
  ).values()
  return metrics.map((one) => (one ? losses.next().value : undefined))
}

function comparable(goals: readonly Goal[], metrics: readonly Metrics[]): readonly number[] {
  const all = metrics.map((one) => goals.map((goal) => lossOf(goal, one)))
  if (goals.length === 1) return all.map(([loss = Number.NaN]) => loss)
  return all.map((losses) =>
    losses.some(Number.isNaN) ? Number.NaN : all.filter((other) => dominates(other, losses)).length,
  )
}
