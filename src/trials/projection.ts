import { seedFor, stream, type Rng } from '../rng.ts'
import type { Pruner, Verdict } from '../search/pruner.ts'
import type { Study } from '../study.ts'
import { BASELINE, countStates, type Metrics, type Trial } from '../trial.ts'

/** How long a study will take, in seconds. */
export interface Projection {
  /** One trial that is not stopped early. */
  readonly trial: number
  /** All trials of the budget, where none is stopped early. */
  readonly study: number
  /** The same with the study's pruner; absent where it has none. */
  readonly pruned?: number
}

const REPEATS = 5

/** What trials cost, in seconds. */
export interface TrialCost {
  /** Of each report. */
  readonly reports: readonly number[]
  /** What a slot takes before its first trial, once. */
  readonly start: number
}

/**
 * Projects what a study takes in so many slots, if all trials cost the same. What its pruner will stop is found by asking
 * it: about trials of random quality, which report the same at every step.
 */
export function projectStudy(study: Study, cost: TrialCost, slots: number): Projection {
  const { pruner } = study
  const whole = {
    trial: cost.reports.reduce((sum, one) => sum + one, 0),
    study: simulate(study, cost, slots, undefined, stream(study.seed, 'projection')),
  }
  if (!pruner) return whole
  const runs = Array.from({ length: REPEATS }, (_, i) => {
    return simulate(study, cost, slots, pruner, stream(study.seed, 'projection', i))
  })
  return { ...whole, pruned: runs.reduce((sum, one) => sum + one, 0) / REPEATS }
}

/** A trial that runs in a slot, and when it will report next. */
interface Lane {
  readonly trial: number
  due: number
}

/** When the last of a study's trials ends. */
function simulate(study: Study, cost: TrialCost, slots: number, pruner: Pruner | undefined, rng: Rng): number {
  const { goals, budget } = study
  const qualities = Array.from({ length: budget.trials }, () => rng.uniform())
  const trials: Trial[] = []
  const history = { dims: [], goals, trials, ...(budget.steps !== undefined && { steps: budget.steps }) }

  const next = (at: number): Lane | undefined => {
    const { paused, running } = countStates(trials)
    const isLast = running === 0 && trials.length === budget.trials
    const promoted = paused > 0 ? pruner?.promote?.(history, isLast)?.number : undefined
    const number = promoted ?? trials.length
    if (number >= budget.trials) return undefined
    trials[number] = { ...(trials[number] ?? started(study, number)), outcome: { state: 'running' } }
    return { trial: number, due: at + cost.reports[trials[number].reports.length]! }
  }
  let lanes: readonly Lane[] = []
  const fill = (at: number) => {
    for (let lane; lanes.length < slots && (lane = next(at));) lanes = [...lanes, lane]
  }
  fill(cost.start)
  for (;;) {
    const lane = lanes.reduce((first, other) => (other.due < first.due ? other : first))
    const trial = reported(trials[lane.trial]!, metricsOf(study, qualities[lane.trial]!))
    trials[lane.trial] = trial
    const seconds = cost.reports[trial.reports.length]
    const action = trial.number === BASELINE ? undefined : pruner?.judge(trial, history)?.action
    if (seconds !== undefined && action !== 'stop' && action !== 'pause') {
      lane.due += seconds
      continue
    }
    trials[lane.trial] = { ...trial, outcome: { state: stateAfter(seconds, action) } }
    lanes = lanes.filter((other) => other !== lane)
    fill(lane.due)
    if (lanes.length === 0) return lane.due
  }
}

/** How a trial ends, or waits, that has no report more or may make none. */
function stateAfter(seconds: number | undefined, action: Verdict['action'] | undefined) {
  if (seconds === undefined) return 'complete'
  return action === 'pause' ? 'paused' : 'pruned'
}

function started({ seed }: Study, number: number): Trial {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  const own = seedFor(seed, 'trial', number)
  return { number, point: [], params: {}, seed: own, device, reports: [], outcome: { state: 'running' } }
}

function reported(trial: Trial, metrics: Metrics): Trial {
  const { reports } = trial
  return { ...trial, reports: [...reports, { step: reports.length + 1, metrics, at: 0 }] }
}

/** What a trial of some quality, 0 to 1, reports: the same for all goals. */
function metricsOf({ goals }: Study, quality: number): Metrics {
  return Object.fromEntries(
    goals.map(({ direction, metric }) => [metric, direction === 'maximize' ? quality : -quality]),
  )
}
