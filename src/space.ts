import { choice } from './choices.ts'
import { isTuneError, TuneError } from './errors.ts'
import { fitParams, leaves } from './leaves.ts'
import {
  levelAt,
  type Dim,
  type Param,
  type Params,
  type ParamSpec,
  type Point,
  type Space,
  type Values,
} from './param.ts'

export { choice, ordinal } from './choices.ts'
export { describeSpec, fitParams, leaves, type Leaf } from './leaves.ts'
export { int, logint, lognormal, loguniform, normal, uniform } from './numbers.ts'
export { levelAt, levelCentre } from './param.ts'
export type { Choice, Dim, NumberSpec, Param, Params, ParamSpec, Point, Space, Values } from './param.ts'

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
  const which = choice(...(names as [string, ...string[]]))
  const dims: Dim[] = [...which.dims]
  const places = names.map((name, level) => {
    const from = dims.length
    if (Object.hasOwn(options[name]!, 'kind')) throw new TuneError('space/invalid', `oneOf() option '${name}' has a parameter 'kind', the name that tells the options apart`) // prettier-ignore
    for (const dim of spaceDims(options[name]!)) {
      dims.push(dim.when ? dim : { ...dim, when: { back: dims.length, level } })
    }
    return { from, to: dims.length }
  })
  const decode = (point: Point) => {
    const level = levelAt(point[0]!, names.length)
    const { from, to } = places[level]!
    return { kind: names[level]!, ...decodeSpace(options[names[level]!]!, point.slice(from, to)) }
  }
  const encode = (value: unknown): Point => {
    if (typeof value !== 'object' || value === null)
      throw new TuneError('params/invalid', `${JSON.stringify(value) ?? 'nothing'} is no object such as { kind: '${names[0]}', ... }`) // prettier-ignore
    const { kind, ...inner } = value as Params
    const point = Array.from({ length: dims.length }, () => Number.NaN)
    point[0] = which.encode(kind)[0]!
    const level = names.indexOf(kind as string)
    for (const [i, x] of encodeSpace(options[names[level]!]!, inner).entries()) point[places[level]!.from + i] = x
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
    const named = leaves({ [name]: param.spec }, {})
    return param.dims.map((dim, i) => ({ ...dim, name: named[i]!.name }))
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
  const names = namesOf(space)
  const given = Object.keys(values)
  // Loops by index: when a study of many trials is opened, this runs before it is compiled.
  for (let i = 0; i < given.length; i++) {
    if (given[i] !== names[i] && !Object.hasOwn(space, given[i]!)) throw unknownParam(names, given[i]!)
  }
  const point: number[] = []
  let name = ''
  try {
    for (let i = 0; i < names.length; i++) {
      name = names[i]!
      const coordinates = space[name]!.encode(values[name])
      for (let j = 0; j < coordinates.length; j++) point.push(coordinates[j]!)
    }
  } catch (error) {
    if (!isTuneError(error)) throw error
    throw new TuneError('params/invalid', `parameter '${name}': ${error.message}`, { cause: error })
  }
  // Without the room to grow that a list is given: a study keeps very many.
  return point.slice()
}

/** The names of each space, which never change. */
const known = new WeakMap<Space, readonly string[]>()

function namesOf(space: Space): readonly string[] {
  const before = known.get(space)
  if (before) return before
  const names = Object.keys(space)
  known.set(space, names)
  return names
}

function unknownParam(names: readonly string[], name: string): TuneError {
  return new TuneError('params/invalid', `unknown parameter '${name}'; the space has ${names.join(', ') || 'none'}`)
}

/**
 * Params of a space that may have changed since, or of a like one: what is new is at its default, what is gone stays to be
 * shown. The point is empty where a value lies outside the space, or is no longer a choice.
 */
export function placeIn(space: Space, params: Params): { readonly params: Params; readonly point: Point } {
  const point = pointOf(space, params)
  if (point) return { params, point }
  const fitted = fitParams(spaceSpec(space), params)
  const place = pointOf(space, fitted)
  return place ? { params: { ...params, ...fitted }, point: place } : { params, point: [] }
}

function pointOf(space: Space, params: Params): Point | undefined {
  try {
    return encodeSpace(space, params)
  } catch (error) {
    if (isTuneError(error)) return undefined
    throw error
  }
}

/** The values of the baseline, trial 0: every parameter at its default. */
export function defaults<S extends Space>(space: S): Values<S> {
  return Object.fromEntries(Object.entries(space).map(([name, { spec }]) => [name, spec.default])) as Values<S>
}

/** How every parameter was declared. */
export function spaceSpec(space: Space): Readonly<Record<string, ParamSpec>> {
  return Object.fromEntries(Object.entries(space).map(([name, { spec }]) => [name, spec]))
}

/** True where the dimension counts at this point: its conditions, and those of what they depend on, all hold. */
export function isActive(dims: readonly Dim[], point: Point, index: number): boolean {
  const { when } = dims[index]!
  if (!when) return true
  const parent = index - when.back
  return isActive(dims, point, parent) && levelAt(point[parent]!, dims[parent]!.levels) === when.level
}
