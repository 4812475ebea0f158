import { nearest, TuneError } from '../errors.ts'

/** What a value must be: `wanted` completes "must be ...". */
export interface Rule {
  readonly holds: (value: unknown) => boolean
  readonly wanted: string
}

/** Rules by the names of the options; each option may be left out. */
export type Rules = Readonly<Record<string, Rule>>

/** A number for which `holds` does. */
export function number(holds: (value: number) => boolean, wanted: string): Rule {
  return { holds: (value) => typeof value === 'number' && holds(value), wanted }
}

export function oneOf(...values: readonly string[]): Rule {
  return { holds: (value) => typeof value === 'string' && values.includes(value), wanted: values.join(' or ') }
}

/** A list whose every item follows a rule; `wanted` says what the list is. */
export function listOf(item: Rule, wanted: string): Rule {
  return { holds: (value) => Array.isArray(value) && value.every(item.holds), wanted }
}

/** So many items, each of which follows a rule; `wanted` says what they are. */
export function tuple(length: number, item: Rule, wanted: string): Rule {
  return { holds: (value) => Array.isArray(value) && value.length === length && value.every(item.holds), wanted }
}

export const positive = number((value) => value > 0 && value < Infinity, 'greater than 0')
export const notNegative = number((value) => value >= 0 && value < Infinity, 'at least 0')
export const fraction = number((value) => value >= 0 && value < 1, 'at least 0 and less than 1')
export const share = number((value) => value > 0 && value <= 1, 'above 0 and at most 1')
export const wholeNumber = number((value) => Number.isSafeInteger(value) && value > 0, 'a whole number of at least 1')
export const text: Rule = { holds: (value) => typeof value === 'string', wanted: 'a text' }
export const object: Rule = {
  holds: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  wanted: 'an object of options',
}
export const flag: Rule = { holds: (value) => typeof value === 'boolean', wanted: 'true or false' }

/**
 * Plain data of one of several kinds, checked: its kind, that its options are known, and their values. A kind's name
 * alone is that kind with its defaults. Throws `params/invalid`, which calls the data `what`.
 */
export function parseKind<T extends { readonly kind: string }>(
  what: string,
  value: unknown,
  kinds: Readonly<Record<T['kind'], Rules>>,
): T {
  const data = typeof value === 'object' && value !== null ? value : { kind: value }
  const kind = 'kind' in data ? data.kind : undefined
  if (typeof kind !== 'string' || !isKnown(kind, kinds)) throw unknownKind(what, kind, Object.keys(kinds))
  checkOptions(`${what} '${kind}'`, data, { kind: oneOf(kind), ...kinds[kind] })
  // What T asks for is what the rules have checked.
  return data as T
}

/** Checks that all options of plain data are known and follow their rules; undefined is as good as left out. */
export function checkOptions(what: string, data: object, rules: Rules): void {
  for (const [name, value] of Object.entries(data)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (!rule) throw unknownOption(what, name, Object.keys(rules))
    if (value === undefined || rule.holds(value)) continue
    throw new TuneError('params/invalid', `${what}: ${name} is ${shown(value)}, must be ${rule.wanted}`)
  }
}

/** As JSON, which would call what is no number null. */
function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

function isKnown<K extends string>(kind: string, kinds: Readonly<Record<K, Rules>>): kind is K {
  return Object.hasOwn(kinds, kind)
}

function unknownKind(what: string, kind: unknown, known: readonly string[]): TuneError {
  const near = typeof kind === 'string' ? nearest(kind, known) : undefined
  return new TuneError('params/invalid', `unknown ${what} ${JSON.stringify(kind) ?? 'undefined'}`, {
    hint: near ? `did you mean '${near}'?` : `there are ${known.join(', ')}`,
  })
}

function unknownOption(what: string, name: string, known: readonly string[]): TuneError {
  const near = nearest(name, known)
  return new TuneError('params/invalid', `${what} has no option '${name}'`, {
    hint: near ? `did you mean '${near}'?` : `known are ${known.join(', ')}`,
  })
}
