import { parsePythonNumbers } from '../json.ts'
import type { Goal } from '../trial.ts'
import type { Piece } from './lines.ts'

/** The fields of a JSON object that a program printed in a line of its own. */
export type Fields = Readonly<Record<string, unknown>>

/** What makes a line a report: one of these among its fields. */
export function reportNames(goals: readonly Goal[], isScored: boolean): readonly string[] {
  return [...goals.map(({ metric }) => metric), ...(isScored ? [PREDICTIONS] : [])]
}

/** The field that says where predictions lie that are to be scored. */
export const PREDICTIONS = 'predictions'

/** The report that a piece of output is, if it is one. A progress bar may stand before it, which ends by a carriage return. */
export function reportIn({ bytes, isLine }: Piece, names: readonly string[]): Fields | undefined {
  if (!isLine) return undefined
  const line = bytes.toString().trimEnd()
  const text = line.slice(line.lastIndexOf('\r') + 1).trimStart()
  if (!text.startsWith('{')) return undefined
  const fields = parseObject(text)
  return names.some((name) => Object.hasOwn(fields, name)) ? fields : undefined
}

function parseObject(text: string): Fields {
  try {
    return parsePythonNumbers(text) as Fields
  } catch {
    return {}
  }
}

/** The metrics of a report. What is no number is left out, but for goals: those are wrong then, and will be told. */
export function metricsIn(fields: Fields, goals: readonly Goal[]): Fields {
  const isGoal = (name: string) => goals.some(({ metric }) => metric === name)
  const entries = Object.entries(fields).map(([name, value]) => [name, value === null ? Number.NaN : value] as const)
  return Object.fromEntries(entries.filter(([name, value]) => typeof value === 'number' || isGoal(name)))
}
