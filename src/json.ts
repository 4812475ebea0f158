import { createHash } from 'node:crypto'

/** A value that survives JSON unchanged: numbers are finite. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** JSON with sorted keys: equal values give equal text, whatever order their keys were written in. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`)
    return `{${fields.join(',')}}`
  }
  return JSON.stringify(value)
}

/** The beginning of a value as JSON, for a message that says what was found where something else was expected. */
export function found(value: unknown): string {
  if (value === undefined) return 'missing'
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 60)
  } catch {
    return 'nested without end' // deeper than the stack
  }
}

/** A sha256 in hex of text, bytes, or of a value's canonical JSON. */
export function fingerprint(value: Json | Uint8Array): string {
  return createHash('sha256')
    .update(value instanceof Uint8Array ? value : canonicalJson(value))
    .digest('hex')
}

/**
 * Parses JSON as Python reads and writes it: its bare `NaN`, `Infinity` and `-Infinity` become null, in strings they are
 * left alone; a byte order mark, which editors put in front, is skipped.
 */
export function parsePythonJson(text: string): Json {
  return parseTokens(text, () => 'null') as Json
}

/** The same, but for infinities, which stay numbers. */
export function parsePythonNumbers(text: string): unknown {
  return parseTokens(text, (token) => (token === 'NaN' ? 'null' : token.replace('Infinity', '1e999')))
}

function parseTokens(text: string, replace: (token: string) => string): unknown {
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text
  try {
    return JSON.parse(json)
  } catch (error) {
    // Rare, and ten times as slow.
    if (!BARE_NUMBER.test(json)) throw error
    return JSON.parse(json.replace(TOKENS, (token) => (token.startsWith('"') ? token : replace(token))))
  }
}

const BARE_NUMBER = /\b(?:NaN|Infinity)\b/
/** A string that does not end is one, too: to look for its end again and again would take quadratic time. */
const TOKENS = /"(?:[^"\\]|\\.)*"?|-?\bInfinity\b|\bNaN\b/g
