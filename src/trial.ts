import { canonicalJson } from './json.ts'
import type { Params, Dim, Point } from './space.ts'

/** Named numbers of one report. `x_se` is the standard error of `x`: shown beside it, and never a goal. */
export type Metrics = Readonly<Record<string, number>>

/** The metric that is the standard error of another. */
export function errorOf(metric: string): `${string}_se` {
  return `${metric}_se`
}

/** One `yield` of an objective; `step` counts them from 1, `at` is in milliseconds since 1970. */
export interface Report {
  readonly step: number
  readonly metrics: Metrics
  readonly at: number
}

/** Why a trial failed. */
export type TrialCode =
  | 'trial/threw'
  | 'trial/diverged'
  | 'trial/timeout'
  | 'trial/invalid-report'
  | 'trial/no-report'
  | 'trial/lost'

/** How a trial stands or ended. An interrupted one is run again from its start by whoever continues the study. */
export type Outcome =
  | { readonly state: 'running' }
  | { readonly state: 'interrupted' }
  | { readonly state: 'complete' }
  | { readonly state: 'pruned' }
  | { readonly state: 'failed'; readonly code: TrialCode; readonly message: string }

/** The hardware that a trial runs on, and how many CPU threads it may use there. */
export interface Device {
  /** `tfjs` is whatever device TensorFlow.js was installed for; the others are onnxruntime's. */
  readonly kind: 'cpu' | 'cuda' | 'webgpu' | 'tfjs'
  /** The device's number among its kind; 0 for the CPU. */
  readonly index: number
  readonly threads: number
  readonly uuid?: string
}

export interface Trial {
  /** Counts from 0, the baseline. */
  readonly number: number
  readonly point: Point
  readonly params: Params
  readonly seed: number
  readonly device: Device
  /** Why it was tried, where its sampler said so. */
  readonly reason?: string
  readonly reports: readonly Report[]
  readonly outcome: Outcome
}

/** The metric that a study is about, and which way is better. */
export interface Goal<M extends string = string> {
  readonly direction: 'maximize' | 'minimize'
  readonly metric: M
}

/** Everything a sampler or pruner may know. Trials stand in the order of their numbers. */
export interface History {
  readonly dims: readonly Dim[]
  /** One, or several: then the first is what a pruner looks at, and best means not dominated. */
  readonly goals: readonly Goal[]
  readonly trials: readonly Trial[]
}

/** The baseline's number. */
export const BASELINE = 0

/** A metric as a value to lower: the one place where a direction is looked at. NaN where it was not reported. */
export function lossOf(goal: Goal, metrics: Metrics | undefined): number {
  const value = metrics?.[goal.metric] ?? Number.NaN
  return goal.direction === 'minimize' ? value : -value
}

/** The loss of a trial's last report, its result. NaN where it has none. */
export function lossAt(goal: Goal, trial: Trial): number {
  return lossOf(goal, trial.reports.at(-1)?.metrics)
}

/** The loss that a trial reported at a step; undefined where it never got there. */
export function lossAtStep(goal: Goal, trial: Trial, step: number): number | undefined {
  const report = trial.reports.find((candidate) => candidate.step === step)
  return report && lossOf(goal, report.metrics)
}

/** True once a trial can no longer change. An interrupted one will be run again. */
export function hasEnded(trial: Trial): boolean {
  return trial.outcome.state !== 'running' && trial.outcome.state !== 'interrupted'
}

/**
 * The completed trial with the lowest loss on the first goal; the earliest of equals. Undefined without one. A trial
 * whose result is NaN is none.
 */
export function best(history: Pick<History, 'goals' | 'trials'>): Trial | undefined {
  const goal = history.goals[0]!
  const results = complete(history).filter((trial) => !Number.isNaN(lossAt(goal, trial)))
  return results.toSorted((a, b) => lossAt(goal, a) - lossAt(goal, b) || a.number - b.number)[0]
}

/** The baseline, where it is complete: what the others are compared with. */
export function baselineOf({ trials }: Pick<History, 'trials'>): Trial | undefined {
  return trials.find(({ number, outcome }) => number === BASELINE && outcome.state === 'complete')
}

/** Whether a trial tried just what the baseline did: any difference between them is the seeds'. */
export function isBaselineAgain(trial: Trial, baseline: Trial | undefined): boolean {
  return baseline !== undefined && canonicalJson(trial.params) === canonicalJson(baseline.params)
}

/** The completed trials that no other beats in one goal and equals in the rest: the Pareto front, by number. */
export function front(history: Pick<History, 'goals' | 'trials'>): readonly Trial[] {
  const lossesOf = (trial: Trial) => history.goals.map((goal) => lossAt(goal, trial))
  const results = complete(history).filter((trial) => !lossesOf(trial).some(Number.isNaN))
  const losses = results.map(lossesOf)
  return results.filter((_, i) => !losses.some((other) => dominates(other, losses[i]!)))
}

function complete({ trials }: Pick<History, 'trials'>): readonly Trial[] {
  return trials.filter((trial) => trial.outcome.state === 'complete')
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((loss, i) => loss <= b[i]!) && a.some((loss, i) => loss < b[i]!)
}
