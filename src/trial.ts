import { canonicalJson } from './json.ts'
import type { Params, Dim, Point } from './space.ts'
import type { HalfSpace } from './half_spaces.ts'

/**
 * Named numbers of one report. `x_se` is the standard error of `x`: shown beside it, and never a goal. `x@3` is what image 3
 * of all that were scored says of `x`: to compare trials image by image, and never shown.
 */
export type Metrics = Readonly<Record<string, number>>

/** The metric that is the standard error of another. */
export function errorOf(metric: string): `${string}_se` {
  return `${metric}_se`
}

/** The metric that is what one image says of another. */
export function onImage(metric: string, image: number): `${string}@${number}` {
  return `${metric}@${image}`
}

/** Whether a metric is about all images, and so for people to read. */
export function isOverall(metric: string): boolean {
  return !metric.includes('@')
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
  /** The memory of its device, machine or process was too small. */
  | 'trial/oom'
  /** Its worker died, or had to be ended by force. */
  | 'trial/lost'

/** How an attempt of a trial failed. */
export interface Failure {
  readonly code: TrialCode
  readonly message: string
}

/**
 * How a trial stands or ended. An interrupted one goes on as soon as it can, `after` an attempt that failed or when its
 * study is continued; a paused one when its pruner promotes it. Either keeps its reports meanwhile.
 */
export type Outcome =
  | { readonly state: 'running' }
  | { readonly state: 'interrupted'; readonly after?: Failure }
  | { readonly state: 'paused' }
  | { readonly state: 'complete' }
  | { readonly state: 'pruned' }
  | ({ readonly state: 'failed' } & Failure)

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
  /** Empty where its params lie outside the space, which has changed since. */
  readonly point: Point
  readonly params: Params
  /** What its study derived from the params, if it does. */
  readonly derived?: Params
  readonly seed: number
  readonly device: Device
  /** Why it was tried, where its sampler said so. */
  readonly reason?: string
  /** The trial whose end it began from, where it did not begin anew: only of such is it a continuation. */
  readonly from?: number
  readonly reports: readonly Report[]
  readonly outcome: Outcome
  /** How attempts failed after which it was run again, the first one first. Absent: none did. */
  readonly failures?: readonly Failure[]
  /** How long it had its device; undefined until it first ends or pauses. */
  readonly seconds?: number
}

/** The metric that a study is about, and which way is better. */
export interface Goal<M extends string = string> {
  readonly direction: 'maximize' | 'minimize'
  readonly metric: M
}

/** A bound that a result has to keep, such as at most 4000 MB of memory. */
export type Constraint<M extends string = string> =
  | { readonly metric: M; readonly atMost: number }
  | { readonly metric: M; readonly atLeast: number }

/** Everything a sampler or pruner may know. Trials stand in the order of their numbers. */
export interface History {
  readonly dims: readonly Dim[]
  /** One, or several: then the first is what a pruner looks at, and best means not dominated. */
  readonly goals: readonly Goal[]
  /** What results have to keep; pruners do not look at it. Absent: nothing. */
  readonly constraints?: readonly Constraint[]
  /** Whether the study allows the params at a point. What is not allowed is not run. Absent: everything is. */
  readonly allows?: (point: Point) => boolean
  /** Where what is allowed lies, as far as the study says so by weighted sums. Absent: anywhere. */
  readonly within?: readonly HalfSpace[]
  /** Reports of a trial that is not stopped early. Absent: nobody knows. */
  readonly steps?: number
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

/** `memory at most 4000`. */
export function describeConstraint(constraint: Constraint): string {
  const bound = 'atMost' in constraint ? `most ${constraint.atMost}` : `least ${constraint.atLeast}`
  return `${constraint.metric} at ${bound}`
}

/** How far metrics are beyond a bound: above 0 where they break it, Infinity where it was not measured. */
export function excessOf(constraint: Constraint, metrics: Metrics | undefined): number {
  const value = metrics?.[constraint.metric] ?? Number.NaN
  const excess = 'atMost' in constraint ? value - constraint.atMost : constraint.atLeast - value
  return Number.isNaN(excess) ? Infinity : excess
}

/** How far a trial's result is beyond its bounds in all, each excess as a share of its bound: 0 where it keeps them. */
export function violationAt({ constraints = [] }: Pick<History, 'constraints'>, trial: Trial): number {
  if (constraints.length === 0) return 0
  const shares = constraints.map((constraint) => {
    const bound = Math.abs('atMost' in constraint ? constraint.atMost : constraint.atLeast)
    return Math.max(0, excessOf(constraint, trial.reports.at(-1)?.metrics)) / (bound || 1)
  })
  return shares.reduce((sum, share) => sum + share, 0)
}

/** True once a trial can no longer change. An interrupted or paused one may go on. */
export function hasEnded({ outcome: { state } }: Trial): boolean {
  return state === 'complete' || state === 'pruned' || state === 'failed'
}

/** Whether a trial has its place in the space as it is now. */
export function isPlaced({ dims }: Pick<History, 'dims'>, trial: Trial): boolean {
  return trial.point.length === dims.length
}

/** How many trials are in each state. */
export type StateCounts = Record<Outcome['state'], number>

/** By the trials of histories, which never change. */
const counted = new WeakMap<readonly Trial[], StateCounts>()

export function countStates(trials: readonly Trial[]): Readonly<StateCounts> {
  return counted.get(trials) ?? countEach(trials)
}

/** Keeps with a history what its maker has counted: a study asks several times for each trial, of very many. */
export function knowStates(trials: readonly Trial[], counts: Readonly<StateCounts>): void {
  counted.set(trials, counts)
}

function countEach(trials: readonly Trial[]): StateCounts {
  const counts = { running: 0, interrupted: 0, paused: 0, complete: 0, pruned: 0, failed: 0 }
  for (const trial of trials) counts[trial.outcome.state]++
  return counts
}

/** What decides which trials are best. */
type Results = Pick<History, 'goals' | 'constraints' | 'trials'>

/**
 * The completed trial with the lowest loss on the first goal, of those that keep the constraints; where none does, the
 * one that is closest to that. The earliest of equals. Undefined without one. A trial whose result is NaN is none.
 */
export function best(history: Results): Trial | undefined {
  const goal = history.goals[0]!
  const results = feasible(history).filter((trial) => !Number.isNaN(lossAt(goal, trial)))
  return results.toSorted((a, b) => lossAt(goal, a) - lossAt(goal, b) || a.number - b.number)[0]
}

/** A trial and those that it continued, the first of them first: a line along which params may have changed. */
export function lineOf({ trials }: Pick<History, 'trials'>, trial: Trial): readonly Trial[] {
  const parent = trials.find(({ number }) => number === trial.from)
  // A parent is older: a damaged store cannot make this go round.
  return parent && parent.number < trial.number ? [...lineOf({ trials }, parent), trial] : [trial]
}

/** The baseline, where it is complete: what the others are compared with. */
export function baselineOf({ trials }: Pick<History, 'trials'>): Trial | undefined {
  return trials.find(({ number, outcome }) => number === BASELINE && outcome.state === 'complete')
}

/** Whether a trial tried just what the baseline did: any difference between them is the seeds'. */
export function isBaselineAgain(trial: Trial, baseline: Trial | undefined): boolean {
  return baseline !== undefined && canonicalJson(trial.params) === canonicalJson(baseline.params)
}

/** The Pareto front by number: of the trials that `best` looks at, those that no other beats in one goal and equals in the rest. */
export function front(history: Results): readonly Trial[] {
  const lossesOf = (trial: Trial) => history.goals.map((goal) => lossAt(goal, trial))
  const results = feasible(history).filter((trial) => !lossesOf(trial).some(Number.isNaN))
  const losses = results.map(lossesOf)
  return results.filter((_, i) => !losses.some((other) => dominates(other, losses[i]!)))
}

/** The complete trials that keep the constraints or, where none does, those that break them least. */
function feasible(history: Results): readonly Trial[] {
  const complete = history.trials.filter((trial) => trial.outcome.state === 'complete')
  const violations = complete.map((trial) => violationAt(history, trial))
  const least = violations.reduce((least, violation) => Math.min(least, violation), Infinity)
  return complete.filter((_, i) => violations[i] === least)
}

/** Whether losses are nowhere higher than others, and somewhere lower. NaN dominates nothing. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((loss, i) => loss <= b[i]!) && a.some((loss, i) => loss < b[i]!)
}
