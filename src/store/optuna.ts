import type { Json } from '../json.ts'
import type { Choice, Leaf, Params, ParamSpec } from '../space.ts'
import type { Outcome } from '../trial.ts'

type LeafSpec = Leaf['spec']

/** Optuna's description of one dimension, as its `distribution_to_json` has it. */
export function distributionJson(spec: LeafSpec): string {
  switch (spec.kind) {
    case 'uniform':
    case 'loguniform':
    case 'normal':
    case 'lognormal':
      return distribution('FloatDistribution', {
        step: spec.step ?? null,
        low: spec.low,
        high: spec.high,
        log: spec.kind.startsWith('log'),
      })
    case 'int':
    case 'logint':
      return distribution('IntDistribution', {
        log: spec.kind === 'logint',
        step: spec.step ?? 1,
        low: spec.low,
        high: spec.high,
      })
    default:
      return distribution('CategoricalDistribution', { choices: spec.choices })
  }
}

function distribution(name: string, attributes: Json): string {
  return JSON.stringify({ name, attributes })
}

/** A value as Optuna keeps it: numbers as they are, an option as its index. */
export function internalValue({ spec, value }: Leaf): number {
  return isCategorical(spec) ? spec.choices.indexOf(value) : Number(value)
}

/** The way back from `internalValue`. `choices` are those that the row's own distribution lists. */
export function externalValue(spec: LeafSpec, value: number, choices: readonly Choice[] | undefined): Choice {
  return isCategorical(spec) ? (choices?.[value] ?? null) : value
}

function isCategorical(spec: LeafSpec): spec is Extract<LeafSpec, { choices: readonly Choice[] }> {
  return spec.kind === 'choice' || spec.kind === 'ordinal'
}

/** Params from the values of their leaves, as far as those are there: the way back from `leaves`. */
export function fromLeaves(specs: Readonly<Record<string, ParamSpec>>, values: ReadonlyMap<string, Choice>): Params {
  return nested(specs, values, '')
}

function nested(
  specs: Readonly<Record<string, ParamSpec>>,
  values: ReadonlyMap<string, Choice>,
  prefix: string,
): Params {
  const entries = Object.entries(specs).flatMap(([name, spec]): [string, Json][] => {
    const value = values.get(prefix + name)
    if (value === undefined || spec.kind !== 'oneOf') return value === undefined ? [] : [[name, value]]
    const inner = spec.options[String(value)]
    return [[name, { kind: value, ...(inner && nested(inner, values, `${prefix}${name}.${String(value)}.`)) }]]
  })
  return Object.fromEntries(entries)
}

/** A number beside the type that Optuna keeps for what SQL has no number for. */
export interface TypedValue {
  readonly value: number | null
  readonly type: 'FINITE' | 'INF_POS' | 'INF_NEG' | 'NAN'
}

export function typedValue(value: number): TypedValue {
  if (Number.isFinite(value)) return { value, type: 'FINITE' }
  if (Number.isNaN(value)) return { value: null, type: 'NAN' }
  return { value: null, type: value > 0 ? 'INF_POS' : 'INF_NEG' }
}

/** A number as Python's `json` writes it, which has words for those that are not finite. */
export function pythonNumber(value: number): string {
  return Number.isFinite(value) ? JSON.stringify(value) : String(value)
}

export function plainValue({ value, type }: TypedValue): number {
  const infinite = { FINITE: Number.NaN, NAN: Number.NaN, INF_POS: Infinity, INF_NEG: -Infinity }
  return value ?? infinite[type]
}

/**
 * Optuna's names of the states. One that waits is an interrupted trial to us, and an enqueued one to Optuna; a paused one,
 * which Optuna must not take up, is running to it (`tune_trials.paused_at` says better).
 */
export const OPTUNA_STATES: Readonly<Record<Outcome['state'], string>> = {
  running: 'RUNNING',
  interrupted: 'WAITING',
  paused: 'RUNNING',
  complete: 'COMPLETE',
  pruned: 'PRUNED',
  failed: 'FAIL',
}
