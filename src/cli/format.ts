import { stripVTControlCharacters } from 'node:util'
import type { Params } from '../space.ts'
import { errorOf, isOverall, type Goal, type Metrics } from '../trial.ts'
import type { Terminal } from './terminal.ts'

/** A metric for reading: four significant digits, never more than two decimals from 1 on. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1e5 || (size < 1e-3 && size > 0)) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e')
  return String(Number(size >= 1 ? value.toFixed(2) : value.toPrecision(3)))
}

/** One metric's values for a column, with as many decimals each; a dash where there is none. */
export function numbers(values: readonly (number | undefined)[]): readonly string[] {
  const texts = values.map((value) => (value === undefined ? '-' : number(value)))
  if (texts.some((text) => text.includes('e'))) return texts
  const isLarge = values.some((value) => Math.abs(value ?? 0) >= 1)
  const decimals = Math.max(0, ...texts.map((text) => text.split('.')[1]?.length ?? 0))
  const fixed = (value: number) => value.toFixed(isLarge ? Math.min(2, decimals) : decimals)
  return values.map((value, i) => (Number.isFinite(value) ? fixed(value as number) : texts[i]!))
}

/** The metrics to show a column of: a standard error stands beside what it is of. */
export function metricNames(metrics: readonly Metrics[]): readonly string[] {
  const names = [...new Set(metrics.flatMap((one) => Object.keys(one)))]
  const errors = new Set<string>(names.map(errorOf))
  return names.filter((name) => !errors.has(name) && isOverall(name))
}

/** One metric's values for a column, with their standard errors where those were reported; a dash where there is none. */
export function metricColumn(
  name: string,
  metrics: readonly (Metrics | undefined)[],
  { unicode }: Pick<Terminal, 'unicode'>,
): readonly string[] {
  const errors = metrics.map((one) => one?.[errorOf(name)])
  const texts = numbers([...metrics.map((one) => one?.[name]), ...errors])
  return metrics.map((_, i) =>
    Number.isFinite(errors[i]) ? `${texts[i]} ${unicode ? '±' : '+-'} ${texts[metrics.length + i]}` : texts[i]!,
  )
}

/** A difference with its sign. */
export function signed(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return `${value >= 0 ? '+' : '-'}${number(Math.abs(value))}`
}

/** `7.2 s`, `1m 12s`, `2h 03m`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`
  return `${Math.floor(whole / 3600)}h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')}m`
}

/** A parameter's value for reading; a nested one as `kind(name value)`. */
export function paramValue(value: unknown): string {
  if (typeof value === 'number') return number(value)
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const { kind, ...inner } = value as Params
  const fields = Object.entries(inner).map(([name, field]) => `${name} ${paramValue(field)}`)
  return fields.length ? `${paramValue(kind)}(${fields.join(' ')})` : paramValue(kind)
}

/** All `name value` pairs in one line. */
export function paramsLine(params: Params): string {
  return wrapParams(params, Infinity)
}

/** A goal's metric by name, with its standard error if there is one; nothing where it was not reported. */
export function metricText(
  { metric }: Goal,
  metrics: Metrics | undefined,
  terminal: Pick<Terminal, 'unicode'>,
): string {
  return metrics?.[metric] === undefined ? '' : `${metric} ${metricColumn(metric, [metrics], terminal)[0]}`
}

/** Bytes for reading: `12.3 kB`. */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}

/** `1 trial`, `3 trials`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** Rows under headings, columns as wide as they need: the first left-aligned, the rest right-aligned. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[] = [0],
): string {
  const all = [headings, ...rows]
  const widths = headings.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))))
  const line = (row: readonly string[]) =>
    widths
      .map((columns, i) => pad(row[i] ?? '', columns, left.includes(i)))
      .join('  ')
      .trimEnd()
  return all.map(line).join('\n')
}

/** Text broken between words to fit the columns; later lines begin with the indent. */
export function wrap(text: string, columns: number, indent = ''): string {
  return wrapParts(text.split(/ (?! )/), ' ', columns, indent)
}

/** `name value` pairs, broken between two of them. */
export function wrapParams(params: Params, columns: number, indent = ''): string {
  const pairs = Object.entries(params).map(([name, value]) => `${name} ${paramValue(value)}`)
  return wrapParts(pairs, '  ', columns, indent)
}

function wrapParts(parts: readonly string[], gap: string, columns: number, indent: string): string {
  const lines: string[] = []
  let line = ''
  for (const part of parts) {
    const longer = line === '' ? part : line + gap + part
    if (width(longer) <= columns || line === '') line = longer
    else {
      lines.push(line)
      line = indent + part.trimStart()
    }
  }
  return [...lines, line].join('\n')
}

/** Columns a text takes, without its colours. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

function pad(text: string, columns: number, left: boolean): string {
  const space = ' '.repeat(Math.max(0, columns - width(text)))
  return left ? text + space : space + text
}
