import type { Json } from '../json.ts'
import type { ParamSpec } from '../space.ts'
import type { Constraint, Device, Goal } from '../trial.ts'

/** What the JSON of a database may be: a file of ours that came from elsewhere may hold anything. */
export type Shape<T> = (value: unknown) => value is T

type Fields = Readonly<Record<string, unknown>>

/** Options of parameters within options of parameters, and lists within lists: what recurses over them has an end. */
const MOST_LEVELS = 32

export function isGoals(value: unknown): value is readonly Goal[] {
  return isListOf(value, isGoal) && value.length > 0
}

function isGoal(value: unknown): value is Goal {
  const isDirection = isFields(value) && (value['direction'] === 'maximize' || value['direction'] === 'minimize')
  return isDirection && typeof value['metric'] === 'string'
}

export function isConstraints(value: unknown): value is readonly Constraint[] {
  return isListOf(value, isConstraint)
}

function isConstraint(value: unknown): value is Constraint {
  return isFields(value) && typeof value['metric'] === 'string' && typeof (value['atMost'] ?? value['atLeast']) === 'number' // prettier-ignore
}

/** Whether ranges make sense is seen when the space is made of them. */
export function isSpace(value: unknown): value is Readonly<Record<string, ParamSpec>> {
  return isSpecs(value, MOST_LEVELS)
}

function isSpecs(value: unknown, levels: number): value is Readonly<Record<string, ParamSpec>> {
  return levels > 0 && isFields(value) && Object.values(value).every((spec) => isSpec(spec, levels - 1))
}

function isSpec(value: unknown, levels: number): value is ParamSpec {
  if (!isFields(value)) return false
  const { kind, choices, options } = value
  const needed = typeof kind === 'string' && Object.hasOwn(NUMBERS, kind) ? NUMBERS[kind] : undefined
  if (needed) return ['low', 'high', 'default', ...needed].every((name) => typeof value[name] === 'number' || value[name] === null) // prettier-ignore
  if (kind === 'choice' || kind === 'ordinal') return isListOf(choices, isScalar) && choices.length > 0
  return kind === 'oneOf' && isFields(options) && Object.values(options).every((specs) => isSpecs(specs, levels))
}

/** What each kind of range has beside its ends. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  uniform: [],
  loguniform: [],
  int: [],
  logint: [],
  normal: ['mean', 'deviation'],
  lognormal: ['median', 'factor'],
}

/** Null is what JSON makes of Infinity. */
export function isSettings(value: unknown): value is Readonly<Record<string, string | number | boolean>> {
  return isFields(value) && Object.values(value).every(isScalar)
}

/** Numbers, and those that JSON has no word for as text; null was one, too. No name is one that every object has. */
export function isMetrics(value: unknown): value is Readonly<Record<string, number | string | null>> {
  if (!isFields(value)) return false
  for (const name in value) if (!isMetric(value[name]) || name in Object.prototype) return false
  return true
}

function isMetric(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string' || value === null
}

export function isDevice(value: unknown): value is Device {
  if (!isFields(value)) return false
  const { kind, index, threads, uuid } = value
  const isKind = kind === 'cpu' || kind === 'cuda' || kind === 'webgpu' || kind === 'tfjs'
  return isKind && [index, threads].every(Number.isSafeInteger) && (uuid === undefined || typeof uuid === 'string')
}

/** An object of any JSON, not too deep. */
export function isFlatEnough(value: unknown): value is Readonly<Record<string, Json>> {
  return isFields(value) && isWithin(value, MOST_LEVELS)
}

function isWithin(value: Fields, levels: number): boolean {
  if (levels === 0) return false
  // What is of JSON inherits no name; and there is one of it a trial, which a list of its names would be garbage for.
  for (const name in value) {
    const item = value[name]
    if (typeof item === 'object' && item !== null && !isWithin(item as Fields, levels - 1)) return false
  }
  return true
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value !== 'object'
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is)
}
