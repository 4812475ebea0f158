import type { Pruner } from '../../src/search/pruner.ts'
import type { Goal, History, Outcome, Report, Trial } from '../../src/trial.ts'

/** What a pruner made of recorded curves. */
export interface Simulated {
  /** Reports that were made, by all trials. */
  readonly reports: number
  /** Reports of the trials that reached their last step, and their places among the curves. */
  readonly complete: readonly number[]
  readonly trials: readonly Trial[]
}

interface SimulateOptions {
  readonly slots?: number
  /** Reports after which nothing goes on. Default: no limit. */
  readonly budget?: number
  /** The seed of a trial, by which some pruners choose its bracket. Default: its number. */
  readonly seedOf?: (number: number) => number
}

/**
 * Runs a pruner over recorded curves as the driver would: the curves are the trials, in their order, and all take the
 * same time for a step. The first is the baseline, which nobody judges. A NaN ends a trial as failed. A paused trial goes
 * on where it stood. Paused trials that nothing can promote any more are pruned.
 */
export function simulate(
  pruner: Pruner,
  goal: Goal,
  curves: readonly ArrayLike<number>[],
  { slots = 1, budget = Infinity, seedOf = (number) => number }: SimulateOptions = {},
  onEnd: (trial: Trial, reports: number) => void = () => undefined,
): Simulated {
  const steps = curves[0]?.length ?? 0
  const history: { trials: Trial[] } & History = { dims: [], goals: [goal], steps, trials: [] }
  const lanes: (Trial | undefined)[] = Array.from({ length: slots }, () => undefined)
  let reports = 0
  const put = (trial: Trial, outcome: Outcome): Trial => (history.trials[trial.number] = { ...trial, outcome })

  for (;;) {
    for (const [slot, running] of lanes.entries())
      lanes[slot] = running ?? next(pruner, history, curves.length, seedOf, put)
    if (lanes.every((trial) => trial === undefined) || reports >= budget) break
    for (const [slot, running] of lanes.entries()) {
      if (!running) continue
      reports++
      const trial = put(withReport(goal, running, curves[running.number]!), { state: 'running' })
      const outcome = outcomeOf(pruner, trial, history, curves[trial.number]!)
      lanes[slot] = outcome ? undefined : trial
      if (outcome) onEnd(put(trial, outcome), reports)
    }
  }
  for (const trial of history.trials) if (trial.outcome.state === 'paused') put(trial, { state: 'pruned' })
  const complete = history.trials.filter(({ outcome }) => outcome.state === 'complete').map(({ number }) => number)
  return { reports, complete, trials: history.trials }
}

function next(
  pruner: Pruner,
  history: History,
  count: number,
  seedOf: (number: number) => number,
  put: (trial: Trial, outcome: Outcome) => Trial,
): Trial | undefined {
  const number = history.trials.length
  const isLast = number === count && !history.trials.some(({ outcome }) => outcome.state === 'running')
  const promotion = pruner.promote?.(history, isLast)
  if (promotion) return put(history.trials[promotion.number]!, { state: 'running' })
  if (number === count) return undefined
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  return put({ number, point: [], params: {}, seed: seedOf(number), device, reports: [], outcome: { state: 'running' } }, { state: 'running' }) // prettier-ignore
}

function withReport({ metric }: Goal, trial: Trial, curve: ArrayLike<number>): Trial {
  const step = trial.reports.length + 1
  const report: Report = { step, metrics: { [metric]: curve[step - 1]! }, at: step }
  return { ...trial, reports: [...trial.reports, report] }
}

/** How a trial ends or waits by its newest report; undefined where it goes on. */
function outcomeOf(pruner: Pruner, trial: Trial, history: History, curve: ArrayLike<number>): Outcome | undefined {
  const step = trial.reports.length
  if (!Number.isFinite(curve[step - 1])) return { state: 'failed', code: 'trial/diverged', message: 'not a number' }
  if (step === curve.length) return { state: 'complete' }
  const action = trial.number === 0 ? 'keep' : pruner.judge(trial, history)?.action
  return action === 'stop' ? { state: 'pruned' } : action === 'pause' ? { state: 'paused' } : undefined
}
