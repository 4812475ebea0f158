import { isTuneError, TuneError } from './errors.ts'
import { canonicalJson, type Json } from './json.ts'

/** A place in the unit cube, one coordinate a dimension. A coordinate that its condition switches off is NaN. */
export type Point = readonly number[]

/**
 * One coordinate. `levels` is Infinity for a continuous one; otherwise the coordinate stands for level
 * `floor(x * levels)`, and `ordered` says whether neighbouring levels are alike. `when` makes the dimension
 * conditional: it counts only where the dimension `back` places before it is active and has that level.
 */
export interface Dim {
  readonly name: string
  readonly levels: number
  readonly ordered: boolean
  readonly when?: { readonly back: number; readonly level: number }
}

/**
 * A parameter: what it was declared as, the dimensions it takes, and the way from their coordinates to a value and
 * back. `decode` takes any numbers of [0, 1]; `encode` gives level centres, and throws `params/invalid` for a value
 * that the parameter cannot take. `decode(encode(value))` is `value`, but for the last digits of a real number.
 */
export interface Param<out T> {
  readonly spec: ParamSpec
  readonly dims: readonly Dim[]
  decode(point: Point): T
  encode(value: unknown): Point
}

export type Choice = string | number | boolean | null

/** How a parameter was declared, as plain data: for the store, for messages, and to see whether a space changed. */
export type ParamSpec =
  | { readonly kind: 'uniform' | 'loguniform' | 'int' | 'logint'; readonly low: number; readonly high: number; readonly default: number } // prettier-ignore
  | { readonly kind: 'choice' | 'ordinal'; readonly choices: readonly Choice[]; readonly default: Choice }
  | { readonly kind: 'oneOf'; readonly options: Readonly<Record<string, Readonly<Record<string, ParamSpec>>>>; readonly default: Json } // prettier-ignore

export type Space = Readonly<Record<string, Param<unknown>>>

/** The typed values of a space: what an objective is handed. */
export type Values<S extends Space> = { readonly [K in keyof S]: S[K] extends Param<infer T> ? T : never }

/** Values once the type of their study is forgotten. */
export type Params = Readonly<Record<string, Json>>

interface NumberOptions {
  /** The value of trial 0, the baseline. Default: the middle of the range, on a log scale where the range is. */
  readonly default?: number
}

/** A real number of [low, high]. */
export function uniform(low: number, high: number, options: NumberOptions = {}): Param<number> {
  return range('uniform', low, high, options)
}

/** A positive real number of [low, high], alike in ratio: from 1 to 10 is as far as from 10 to 100. */
export function loguniform(low: number, high: number, options: NumberOptions = {}): Param<number> {
  return range('loguniform', low, high, options)
}

/** A whole number of [low, high], both ends included. */
export function int(low: number, high: number, options: NumberOptions = {}): Param<number> {
  return range('int', low, high, options)
}

/** A whole positive number of [low, high], both ends included, alike in ratio. */
export function logint(low: number, high: number, options: NumberOptions = {}): Param<number> {
  return range('logint', low, high, options)
}

/** One of some unordered options; the first is the default. */
export function choice<const T extends readonly [Choice, ...Choice[]]>(...choices: T): Param<T[number]> {
  return levels('choice', choices)
}

/** One of some options in their order, such as widths or depths; the first is the default. */
export function ordinal<const T extends readonly [Choice, ...Choice[]]>(...choices: T): Param<T[number]> {
  return levels('ordinal', choices)
}

/** The typed union of `oneOf`: `kind` names the option, beside that option's own values. */
export type OneOf<O extends Readonly<Record<string, Space>>> = {
  readonly [K in keyof O & string]: { readonly kind: K } & Values<O[K]>
}[keyof O & string]

/**
 * One of several named sub-spaces, whose parameters exist only where it is chosen; the first is the default.
 * `oneOf({ poly: { power: uniform(0.5, 2) }, cosine: {} })` gives `{ kind: 'poly', power } | { kind: 'cosine' }`.
 */
export function oneOf<const O extends Readonly<Record<string, Space>>>(options: O): Param<OneOf<O>> {
  const names = Object.keys(options)
  if (names.length === 0) throw new TuneError('space/invalid', 'oneOf() needs at least one option')
  const which = levels('choice', names as [string, ...string[]])
  const dims: Dim[] = [...which.dims]
  const offsets = names.map((name, level) => {
    const offset = dims.length
    if (Object.hasOwn(options[name]!, 'kind')) throw new TuneError('space/invalid', `oneOf() option '${name}' has a parameter 'kind', the name that tells the options apart`) // prettier-ignore
    for (const dim of spaceDims(options[name]!)) {
      dims.push(dim.when ? dim : { ...dim, when: { back: dims.length, level } })
    }
    return offset
  })
  const decode = (point: Point) => {
    const level = levelAt(point[0]!, names.length)
    const inner = options[names[level]!]!
    const width = spaceDims(inner).length
    return { kind: names[level]!, ...decodeSpace(inner, point.slice(offsets[level], offsets[level]! + width)) }
  }
  const encode = (value: unknown): Point => {
    if (typeof value !== 'object' || value === null)
      throw new TuneError('params/invalid', `${JSON.stringify(value) ?? 'nothing'} is no object such as { kind: '${names[0]}', ... }`) // prettier-ignore
    const { kind, ...inner } = value as Params
    const point = Array.from({ length: dims.length }, () => Number.NaN)
    point[0] = which.encode(kind)[0]!
    const level = names.indexOf(kind as string)
    for (const [i, x] of encodeSpace(options[names[level]!]!, inner).entries()) point[offsets[level]! + i] = x
    return point
  }
  const specs = Object.fromEntries(names.map((name) => [name, spaceSpec(options[name]!)]))
  const first = { kind: names[0]!, ...defaults(options[names[0]!]!) }
  // The cast is the one place where the union's shape is asserted: decode builds it from the options by name.
  return { spec: { kind: 'oneOf', options: specs, default: first }, dims, decode, encode } as Param<OneOf<O>>
}

/** All dimensions of a space, in the order of its parameters; a nested one is named `parameter.option.name`. */
export function spaceDims(space: Space): readonly Dim[] {
  return Object.entries(space).flatMap(([name, param]) => {
    const names = leafNames(name, param.spec)
    return param.dims.map((dim, i) => ({ ...dim, name: names[i]! }))
  })
}

/** The values at a point. Coordinates that a condition switches off are not looked at. */
export function decodeSpace<S extends Space>(space: S, point: Point): Values<S> {
  let at = 0
  const entries = Object.entries(space).map(([name, param]) => {
    const value = param.decode(point.slice(at, at + param.dims.length))
    at += param.dims.length
    return [name, value]
  })
  return Object.fromEntries(entries) as Values<S>
}

/** The point of some values: its canonical form, which depends on the values alone. Throws `params/invalid`. */
export function encodeSpace(space: Space, values: Readonly<Record<string, unknown>>): Point {
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(space, name))
  if (unknown !== undefined) {
    throw new TuneError(
      'params/invalid',
      `unknown parameter '${unknown}'; the space has ${Object.keys(space).join(', ') || 'none'}`,
    )
  }
  return Object.entries(space).flatMap(([name, param]) => {
    try {
      return param.encode(values[name])
    } catch (error) {
      if (!isTuneError(error)) throw error
      throw new TuneError('params/invalid', `parameter '${name}': ${error.message}`, { cause: error })
    }
  })
}

/** The values of the baseline, trial 0: every parameter at its default. */
export function defaults<S extends Space>(space: S): Values<S> {
  return Object.fromEntries(Object.entries(space).map(([name, { spec }]) => [name, spec.default])) as Values<S>
}

/** How every parameter was declared. */
export function spaceSpec(space: Space): Readonly<Record<string, ParamSpec>> {
  return Object.fromEntries(Object.entries(space).map(([name, { spec }]) => [name, spec]))
}

/** A declaration as its author wrote it: `loguniform(1, 1000, { default: 200 })`. */
export function describeSpec(spec: ParamSpec): string {
  switch (spec.kind) {
    case 'choice':
    case 'ordinal':
      return `${spec.kind}(${spec.choices.map((option) => JSON.stringify(option)).join(', ')})`
    case 'oneOf':
      return `oneOf(${record(spec.options, (option) => record(option, describeSpec))})`
    default:
      return `${spec.kind}(${spec.low}, ${spec.high}, { default: ${spec.default} })`
  }
}

function record<T>(fields: Readonly<Record<string, T>>, describe: (field: T) => string): string {
  const described = Object.entries(fields).map(([name, field]) => `${name}: ${describe(field)}`)
  return described.length === 0 ? '{}' : `{ ${described.join(', ')} }`
}

/** One dimension as a store writes it: its name, declaration, and plain value (null where it is switched off). */
export interface Leaf {
  readonly name: string
  readonly spec: Exclude<ParamSpec, { kind: 'oneOf' }>
  readonly value: Choice
  readonly active: boolean
}

/** The leaves of some params, aligned with `spaceDims`: the flat view that a table, an export or Optuna wants. */
export function leaves(specs: Readonly<Record<string, ParamSpec>>, params: Params): readonly Leaf[] {
  return Object.entries(specs).flatMap(([name, spec]) => leavesOf(name, spec, params[name] ?? null, true))
}

function leavesOf(name: string, spec: ParamSpec, value: Json, active: boolean): readonly Leaf[] {
  if (spec.kind !== 'oneOf') return [{ name, spec, value: active ? (value as Choice) : null, active }]
  const options = Object.keys(spec.options) as [string, ...string[]]
  const { kind, ...inner } = (value ?? { kind: null }) as Params
  const which = { kind: 'choice', choices: options, default: options[0] } as const
  return [
    { name, spec: which, value: active ? (kind as Choice) : null, active },
    ...options.flatMap((option) =>
      Object.entries(spec.options[option]!).flatMap(([key, leaf]) =>
        leavesOf(`${name}.${option}.${key}`, leaf, inner[key] ?? null, active && option === kind),
      ),
    ),
  ]
}

/** True where the dimension counts at this point: its conditions, and those of what they depend on, all hold. */
export function isActive(dims: readonly Dim[], point: Point, index: number): boolean {
  const { when } = dims[index]!
  if (!when) return true
  const parent = index - when.back
  return isActive(dims, point, parent) && levelAt(point[parent]!, dims[parent]!.levels) === when.level
}

/** The level that a coordinate stands for. */
export function levelAt(x: number, levels: number): number {
  return Math.min(levels - 1, Math.max(0, Math.floor(x * levels)))
}

/** The coordinate in the middle of a level. */
export function levelCentre(level: number, levels: number): number {
  return (level + 0.5) / levels
}

function range(
  kind: 'uniform' | 'loguniform' | 'int' | 'logint',
  low: number,
  high: number,
  options: NumberOptions,
): Param<number> {
  const written = `${kind}(${low}, ${high})`
  const isLog = kind === 'loguniform' || kind === 'logint'
  const isInt = kind === 'int' || kind === 'logint'
  if (![low, high].every(Number.isFinite))
    throw new TuneError('space/invalid', `${written}: both ends must be finite numbers`)
  if (low > high)
    throw new TuneError('space/invalid', `${written}: the low end is above the high end`, {
      hint: `write ${kind}(${high}, ${low})`,
    })
  if (isLog && low <= 0) {
    throw new TuneError('space/invalid', `${written}: the low end must be greater than 0 on a log scale`, {
      hint: `try ${kind}(${isInt ? 1 : high / 1e6}, ${high}), or a range that is not logarithmic`,
    })
  }
  if (isInt && ![low, high].every(Number.isInteger))
    throw new TuneError('space/invalid', `${written}: both ends must be whole numbers`)
  // A coordinate has 53 bits: beyond these, it could not tell neighbours apart, nor span the range.
  const furthest = isInt ? 1e12 : 1e300
  if (Math.max(-low, high) > furthest)
    throw new TuneError('space/invalid', `${written}: both ends must lie within ${furthest} of 0`)

  // An integer owns the stretch from half below it to half above it.
  const pad = isInt ? 0.5 : 0
  const scale = isLog ? Math.log : (value: number) => value
  const [from, to] = [scale(low - pad), scale(high + pad)]
  const isSingle = low === high || from === to
  const clamp = (value: number) => Math.min(high, Math.max(low, value))
  const decode = ([x]: Point) => {
    if (isSingle) return low
    const at = from + x! * (to - from)
    const value = isLog ? Math.exp(at) : at
    // Adding 0 makes 0 of -0, as JSON would.
    return clamp(isInt ? Math.round(value) : value) + 0
  }
  const encode = (value: unknown): Point => {
    if (typeof value !== 'number' || !(value >= low && value <= high) || (isInt && !Number.isInteger(value))) {
      throw new TuneError(
        'params/invalid',
        `${JSON.stringify(value) ?? 'nothing'} is not ${isInt ? 'a whole number' : 'a number'} of ${written}`,
      )
    }
    return [isSingle ? 0.5 : Math.min(1, Math.max(0, (scale(value) - from) / (to - from)))]
  }
  // Twelve digits: 0.01 and not 0.010000000000000002.
  const start = options.default ?? clamp(Number(decode([0.5]).toPrecision(12)))
  const spec: ParamSpec = { kind, low, high, default: start }
  try {
    encode(start)
  } catch {
    throw new TuneError('space/invalid', `${written}: the default ${start} is outside the range`, {
      hint: 'widen the range, so that the baseline lies well inside it',
    })
  }
  // Whole numbers on a log scale take unequal parts of the range, as levels cannot.
  const count = isSingle ? 1 : kind === 'int' ? high - low + 1 : Infinity
  return { spec, dims: [{ name: '', levels: count, ordered: true }], decode, encode }
}

function levels<T extends readonly [Choice, ...Choice[]]>(kind: 'choice' | 'ordinal', choices: T): Param<T[number]> {
  if (choices.length === 0) throw new TuneError('space/invalid', `${kind}() needs at least one option`)
  const wrong = choices.findIndex((option) => !isChoice(option))
  if (wrong >= 0) {
    const option: unknown = choices[wrong]
    const what = Array.isArray(option)
      ? 'a list'
      : typeof option === 'number'
        ? String(option)
        : `of type ${typeof option}`
    const hint = Array.isArray(option) ? `write ${kind}(...options)` : 'give it a name, and look it up in the objective'
    throw new TuneError(
      'space/invalid',
      `${kind}(): an option is ${what}, not a string, finite number, boolean or null`,
      { hint },
    )
  }
  const seen = new Set(choices.map((option) => canonicalJson(option)))
  if (seen.size < choices.length)
    throw new TuneError(
      'space/invalid',
      `${kind}(${choices.map((option) => JSON.stringify(option)).join(', ')}): an option stands there twice`,
    )
  // Optuna compares as Python does, where 1 equals true: a study that mixes them could not be read back.
  if (choices.some((a) => typeof a === 'boolean' && choices.includes(Number(a)))) {
    throw new TuneError(
      'space/invalid',
      `${kind}(${choices.join(', ')}): ${choices.find((option) => typeof option === 'boolean')} and its number are the same option to Optuna`,
    )
  }
  const decode = ([x]: Point) => choices[levelAt(x!, choices.length)]!
  const encode = (value: unknown): Point => {
    const level = choices.findIndex((option) => option === value)
    if (level < 0)
      throw new TuneError(
        'params/invalid',
        `${JSON.stringify(value) ?? 'nothing'} is none of ${choices.map((option) => JSON.stringify(option)).join(', ')}`,
      )
    return [levelCentre(level, choices.length)]
  }
  const spec: ParamSpec = { kind, choices, default: choices[0] }
  return { spec, dims: [{ name: '', levels: choices.length, ordered: kind === 'ordinal' }], decode, encode }
}

function isChoice(option: unknown): option is Choice {
  return option === null || typeof option === 'string' || typeof option === 'boolean' || Number.isFinite(option)
}

function leafNames(name: string, spec: ParamSpec): readonly string[] {
  return leavesOf(name, spec, spec.default, true).map((leaf) => leaf.name)
}
