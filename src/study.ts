import type { Pruner } from './search/pruner.ts'
import type { Sampler } from './search/sampler.ts'
import { nearest, TuneError } from './errors.ts'
import type { Params, Space, Values } from './space.ts'
import type { Constraint, Device, Goal, Metrics } from './trial.ts'
import { isWeightedSum, textOf as textOfSum } from './weighted_sum.ts'

/** Typed constants of a study that are not searched; `--set key=value` overrides them for one study. */
export type Settings = Readonly<Record<string, string | number | boolean>>

/**
 * Where trials run. `inline`: in the driver's own thread, for objectives that wait for something else. `threads`: a worker
 * thread a slot, which share their data. `processes`: a process a slot; whatever becomes of one costs one attempt of one
 * trial, be it a crash of a driver, a `process.exit` or the end of its memory.
 */
export type ExecutorKind = 'inline' | 'threads' | 'processes'

/** How much a study may use. */
export interface Budget {
  /** Trials to end: complete, pruned or failed. */
  readonly trials: number
  /** Reports of a trial that is not stopped early: `trial.maxSteps`. Default: as many as the objective yields. */
  readonly steps?: number
  /** A result that ends the study, of its goal and keeping its constraints: `target: 0.5`. Default: none. */
  readonly target?: number
  /**
   * Trials in a row without an improvement beyond the noise that end the study. The noise is how far repeats of the
   * baseline lie apart or, without any, the standard error that trials report. Default: no limit.
   */
  readonly patience?: number
  /** Hours from its start in which a run may start trials. Default: no limit. */
  readonly hours?: number
  /** Hours that all trials together may use of their devices, to start another. Default: no limit. */
  readonly deviceHours?: number
  /**
   * Seconds that one trial may take before it fails with `trial/timeout`. One that has kept a newer checkpoint meanwhile gets
   * as many once more, from there. Default: no limit.
   */
  readonly trialSeconds?: number
  /** Failed trials after which the study stops. Default: no limit. */
  readonly failures?: number
}

/** What a trial knows of itself and of its surroundings. */
export interface TrialContext<X = Settings, D = unknown> {
  readonly number: number
  /** What the study is about: each report has these metrics. */
  readonly goals: readonly Goal[]
  /** All of the trial's chance comes from this: the same seed gives the same result. */
  readonly seed: number
  readonly device: Device
  /** Aborted when the trial has to end now; look at it between training steps. */
  readonly signal: AbortSignal
  /** Reports after which the trial is complete. */
  readonly maxSteps: number
  /**
   * A directory of the trial's own, for checkpoints and pictures. It exists, and is empty where `reported` is 0. What the
   * objective keeps in its `checkpoint/` lets the trial go on from there.
   */
  readonly dir: string
  /**
   * Reports that are not to be made again: those before the checkpoint in `dir`, where the trial was paused or interrupted
   * after it had kept one. Otherwise 0: then the trial starts anew, and what it had reported already is left out.
   */
  readonly reported: number
  /** The directory of the trial whose end this one begins from, under samplers such as `pbt`; undefined to begin anew. */
  readonly from?: string
  readonly settings: X
  /** What the study's `prepare` gave. */
  readonly data: D
}

/** Runs one trial: every `yield` is a report, and the last report is the result. */
export interface Objective<P, M extends Metrics, X, D> {
  (params: P, trial: TrialContext<X, D>): AsyncIterable<M>
  /** Where it runs, unless its study says: an objective that only waits for something else needs no thread of its own. */
  readonly executor?: 'inline'
  /** What its study's `prepare` is, unless it has one. */
  readonly prepare?: (context: never) => unknown
}

/** Where `prepare` may put what it derives, and a way to say what takes long. */
export interface PrepareContext<X = Settings> {
  readonly settings: X
  /** A directory shared by all studies, for what can be made again. It exists. */
  readonly cacheDir: string
  readonly progress: (message: string) => void
  /**
   * The checkpoint of the best trial of another study in the same results, which a stage begins from: `bestOf('stage_1')`.
   * The study keeps to the one that it got first; when that study finds a better one, `tune status` calls this one stale.
   */
  readonly bestOf: (study: string) => string
}

export interface StudyDefinition<S extends Space, M extends Metrics, X extends Settings, D, E> {
  /** Its name in the store and under `results/`: letters, digits, `_`, `-` and `.`. */
  readonly name: string
  readonly settings?: X
  readonly space: S
  /**
   * Values that follow from the others: `derive: ({ width }) => ({ heads: width / 16 })`. The objective gets them beside
   * the params, they are shown and stored, and nothing is searched along them. Default: none.
   */
  readonly derive?: (params: NoInfer<Values<S>>) => E
  /**
   * Runs once, before any trial, in the driver: reads and checks the data. Large arrays belong into a SharedArrayBuffer,
   * which all worker threads then share. Processes share nothing: each runs it once more, so that what takes long belongs
   * into files under `cacheDir`. What it throws ends the study before it begins.
   */
  readonly prepare?: (context: PrepareContext<Widened<X>>) => D | Promise<D>
  readonly objective: Objective<Values<S> & Derived<NoInfer<E>>, M, Widened<X>, D>
  /**
   * What params have to satisfy to be tried: `where: ({ batch, size }) => batch * size <= 4096`, or several by their names.
   * The baseline and `first` must, too. Default: nothing.
   */
  readonly where?: Where<NoInfer<Values<S>>> | Readonly<Record<string, Where<NoInfer<Values<S>>>>>
  readonly budget: Budget
  readonly sampler?: Sampler
  readonly pruner?: Pruner
  /**
   * Another study of the same goal whose results the sampler knows from the start, as far as its trials lie in this space.
   * They are not run again, nor counted.
   */
  readonly startFrom?: string
  /** Where trials run. Default: `threads` on the CPU and CUDA, `processes` on WebGPU and TensorFlow.js. */
  readonly executor?: ExecutorKind
  /** Everything random in a study follows from it. Default 0. */
  readonly seed?: number
  /** Points to try after the baseline. */
  readonly first?: readonly NoInfer<Values<S>>[]
}

type Where<P> = (params: P) => boolean

/** Where an objective is made by a call, such as `command(...)`, it is typed before `derive`, whose values are never then. */
type Derived<E> = [E] extends [never] ? unknown : E

/** `true` was written, but `--set` may say `false`. */
type Widened<X> = { readonly [K in keyof X]: X[K] extends boolean ? boolean : X[K] }

/** The metrics that every report has: a goal must be in each, for pruners compare steps. What `Metrics` names specially is none. */
type MetricOf<M, K = keyof M> = K extends `${string}_se` | `${string}@${string}` ? never : K extends keyof M & string ? (undefined extends M[K] ? never : K) : never // prettier-ignore

type WithGoal<M extends Metrics> =
  | { readonly goal: Goal<NoInfer<MetricOf<M>>>; readonly goals?: never }
  | { readonly goals: readonly [Goal<NoInfer<MetricOf<M>>>, ...Goal<NoInfer<MetricOf<M>>>[]]; readonly goal?: never }

interface WithConstraints<M extends Metrics> {
  /** What a result has to keep to be the best: `constraints: [atMost('memory', 4000)]`. Default: nothing. */
  readonly constraints?: readonly Constraint<NoInfer<MetricOf<M>>>[]
}

/** A study once its types are forgotten: what the driver runs. */
export interface Study {
  readonly name: string
  readonly goals: readonly Goal[]
  readonly constraints: readonly Constraint[]
  readonly settings: Settings
  readonly space: Space
  readonly derive?: (params: never) => Params
  readonly prepare?: (context: PrepareContext) => unknown
  readonly objective: Objective<never, Metrics, never, never>
  /** What params have to satisfy, by name. */
  readonly where: Readonly<Record<string, Where<never>>>
  readonly budget: Budget
  readonly sampler?: Sampler
  readonly pruner?: Pruner
  readonly startFrom?: string
  readonly executor?: ExecutorKind
  readonly seed: number
  readonly first: readonly Readonly<Record<string, unknown>>[]
}

/**
 * Defines a study: the default export of a file in `studies/`. Parameters, settings and metrics are inferred, and a goal
 * that names no yielded metric does not compile.
 */
export function defineStudy<
  S extends Space,
  M extends Metrics,
  X extends Settings = Record<never, never>,
  D = undefined,
  E extends Params = Record<never, never>,
>(study: StudyDefinition<S, M, X, D, E> & WithGoal<M> & WithConstraints<M>): Study {
  const { goal, goals, where = {}, ...rest } = study
  const named = typeof where === 'function' ? { [textOf(where)]: where } : where
  // TypeScript's checks do not reach every study file.
  const { executor, prepare } = (study.objective as typeof study.objective | undefined) ?? {}
  return { settings: {}, seed: 0, first: [], constraints: [], ...(executor && { executor }), ...(prepare && { prepare }), ...rest, where: named, goals: goals ?? [goal] } as unknown as Study // prettier-ignore
}

/** A function's own text, in a line. */
function textOf(of: Where<never>): string {
  if (isWeightedSum(of)) return textOfSum(of)
  const text = String(of).replaceAll(/\s+/g, ' ')
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

export function maximize<const M extends string>(metric: M): Goal<M> {
  return { direction: 'maximize', metric }
}

export function minimize<const M extends string>(metric: M): Goal<M> {
  return { direction: 'minimize', metric }
}

/** A constraint: results whose metric is above the bound come after all that keep it. */
export function atMost<const M extends string>(metric: M, bound: number): Constraint<M> {
  return { metric, atMost: bound }
}

/** A constraint: results whose metric is below the bound come after all that keep it. */
export function atLeast<const M extends string>(metric: M, bound: number): Constraint<M> {
  return { metric, atLeast: bound }
}

/** The study with what one run overrides. An unknown setting, or one of another type, is an error. */
export function withOverrides(
  study: Study,
  overrides: {
    readonly settings?: Readonly<Record<string, string>>
    readonly budget?: Partial<Budget>
    readonly seed?: number
    readonly name?: string
  },
): Study {
  const settings: Record<string, string | number | boolean> = { ...study.settings }
  for (const [key, text] of Object.entries(overrides.settings ?? {})) settings[key] = parseSetting(study, key, text)
  return {
    ...study,
    name: overrides.name ?? study.name,
    seed: overrides.seed ?? study.seed,
    settings,
    budget: { ...study.budget, ...overrides.budget },
  }
}

function parseSetting(study: Study, key: string, text: string): string | number | boolean {
  const known = Object.hasOwn(study.settings, key) ? study.settings[key] : undefined
  if (known === undefined) throw unknownSetting(study, key)
  if (typeof known === 'string') return text
  if (typeof known === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  if (typeof known === 'boolean' || text.trim() === '' || !Number.isFinite(Number(text))) {
    throw new TuneError('usage', `--set ${key}=${text}: '${key}' is a ${typeof known}, such as ${String(known)}`)
  }
  return Number(text)
}

function unknownSetting(study: Study, key: string): TuneError {
  const names = Object.keys(study.settings)
  const near = nearest(key, names)
  const hint = near ? `did you mean '${near}'?` : `its settings are ${names.join(', ') || 'none'}`
  return new TuneError('settings/unknown', `--set ${key}: study '${study.name}' has no such setting`, { hint })
}
