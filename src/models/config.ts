import { nearest, TuneError } from '../errors.ts'

/**
 * Reads a value of a model's config, or its absence, as one to build with. `where` names it in errors,
 * `backbone.depth`; the whole config has no name.
 */
export type Reader<out T> = (given: unknown, where: string) => T

/** The options of a part of a network: plain data by name, each with a default. */
export type Readers = Readonly<Record<string, Reader<unknown>>>

/** What a config is once it is read: every option has a value. */
export type Config<R extends Readers> = { readonly [K in keyof R]: R[K] extends Reader<infer T> ? T : never }

/** A part of a network that its config chooses by name. */
export interface Part<R extends Readers = Readers> {
  readonly options: R
}

/** The config of one of several parts: its name, its own options, and those that all have. */
export type Named<T extends Readonly<Record<string, Part>>, Common extends Readers = {}> = {
  readonly [N in keyof T]: { readonly name: N } & Config<Common & T[N]['options']>
}[keyof T]

/** A config as it is written: all but the names may be left out. */
export type Given<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T as Extract<K, 'name'>]: T[K] } & {
        readonly [K in keyof T as Exclude<K, 'name'>]?: Given<T[K]>
      }
    : T

/** A whole number of at least `least`. */
export function count(fallback: number, least = 1): Reader<number> {
  return reader(fallback, `a whole number of at least ${least}`, (value) => isCount(value, least))
}

/** At least `least` whole numbers above 0. */
export function counts(fallback: readonly number[], least = 1): Reader<readonly number[]> {
  const isList = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length >= least && value.every((item) => isCount(item, 1))
  return reader(fallback, `a list of at least ${least} whole numbers above 0`, isList)
}

/** A number from `least` up to but without `end`. */
export function within(least: number, end: number, fallback: number): Reader<number> {
  const isWithin = (value: unknown): value is number => typeof value === 'number' && value >= least && value < end
  return reader(fallback, `at least ${least} and less than ${end}`, isWithin)
}

export function flag(fallback: boolean): Reader<boolean> {
  return reader(fallback, 'true or false', (value): value is boolean => typeof value === 'boolean')
}

export function oneOf<const T extends string | number>(values: readonly T[], fallback: NoInfer<T>): Reader<T> {
  return reader(fallback, `one of ${values.join(', ')}`, (value): value is T => values.some((known) => known === value))
}

/** Options under a name of their own. */
export function fields<R extends Readers>(readers: R): Reader<Config<R>> {
  return (given = {}, where) => readFields(readers, objectAt(given, where), where, where)
}

/** One of several parts, chosen by `name`. `common` are options that all of them have. */
export function named<T extends Readonly<Record<string, Part>>, Common extends Readers = {}>(
  parts: T,
  fallback: keyof T,
  common?: Common,
): Reader<Named<T, Common>> {
  return (given = { name: fallback }, where) => {
    const { name, ...options } = objectAt(given, where)
    const part = typeof name === 'string' && Object.hasOwn(parts, name) ? parts[name] : undefined
    if (typeof name !== 'string' || !part) throw unknownName(optionAt(where, 'name'), name, Object.keys(parts))
    const owner = `${where} '${name}'`.trim()
    return { name, ...readFields({ ...common, ...part.options }, options, where, owner) } as Named<T, Common>
  }
}

/** `owner` is who has these options, as errors say it. */
function readFields<R extends Readers>(
  readers: R,
  values: Readonly<Record<string, unknown>>,
  where: string,
  owner: string,
): Config<R> {
  const stranger = Object.keys(values).find((key) => !Object.hasOwn(readers, key))
  if (stranger !== undefined) throw unknownOption(owner, stranger, Object.keys(readers))
  const read = Object.entries(readers).map(([key, reader]) => [key, reader(values[key], optionAt(where, key))])
  return Object.fromEntries(read) as Config<R>
}

function reader<T>(fallback: T, allowed: string, isAllowed: (value: unknown) => value is T): Reader<T> {
  return (given = fallback, where) => {
    if (isAllowed(given)) return given
    throw impossible(where, given, allowed)
  }
}

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least
}

function objectAt(given: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>
  throw impossible(where || 'model', given, 'an object of options')
}

function optionAt(where: string, key: string): string {
  return where === '' ? key : `${where}.${key}`
}

function impossible(where: string, value: unknown, allowed: string, hint?: string): TuneError {
  const message = `model: '${where}' is ${JSON.stringify(value)}, must be ${allowed}`
  return new TuneError('model/invalid', message, hint === undefined ? {} : { hint })
}

function unknownName(where: string, name: unknown, known: readonly string[]): TuneError {
  const meant = typeof name === 'string' ? nearest(name, known) : undefined
  return impossible(where, name, `one of ${known.join(', ')}`, meant && `did you mean '${meant}'?`)
}

function unknownOption(owner: string, key: string, known: readonly string[]): TuneError {
  const meant = nearest(key, known)
  const hint = meant ? `did you mean '${meant}'?` : known.length > 0 ? `known are ${known.join(', ')}` : 'it has none'
  return new TuneError('model/invalid', `model: ${owner} has no option '${key}'`, { hint })
}
