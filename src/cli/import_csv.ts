import { basename } from 'node:path'
import { TuneError } from '../errors.ts'
import { readCsv } from '../data/csv.ts'
import { leaves, type Choice, type Leaf } from '../space.ts'
import type { ImportedTrial } from '../store/import_trials.ts'
import type { StudyRecord } from '../store/store.ts'
import type { Metrics } from '../trial.ts'

/** What the columns of a file are to a study; each is found by the number of its column. */
interface Columns {
  readonly params: ReadonlyMap<number, Leaf>
  readonly metrics: ReadonlyMap<number, string>
  readonly state: number
}

/**
 * The rows of a CSV file as trials: those that `tune export --csv` wrote, data frames of Optuna, and exports of Weights &
 * Biases. Parameters and goals are found by their names, with `params_`, `metrics_` or `values_` in front or without; what
 * else there is is left out.
 */
export async function* importedCsv(
  file: string,
  record: StudyRecord,
): AsyncIterable<ImportedTrial | { readonly why: string }> {
  let columns: Columns | undefined
  let number = 0
  for await (const row of readCsv(file)) {
    if (columns) yield trialOf(row, columns, `csv:${basename(file)}, row ${++number}`)
    else columns = columnsOf(file, row, record)
  }
  if (!columns) throw new TuneError('data/invalid', `${file} is empty`, { hint: 'its first row names the columns' })
}

function columnsOf(file: string, head: readonly string[], { space, goals, constraints }: StudyRecord): Columns {
  const all = leaves(space, {})
  const metrics = [...goals, ...constraints].map(({ metric }) => metric)
  const paramAt = (name: string) => all.find((leaf) => name === `params_${leaf.name}` || name === leaf.name)
  const metricAt = (name: string) => {
    if (name.startsWith('metrics_')) return name.slice('metrics_'.length)
    if (name === 'value' && goals.length === 1) return goals[0]?.metric
    return metrics.find((metric) => name === metric || name === `values_${metric}`)
  }
  const named = head.map((cell) => cell.trim())
  const params = new Map(named.flatMap((name, i) => entry(i, paramAt(name))))
  // A parameter and a metric of one name: the parameter is meant, unless the metric is marked as one.
  const found = new Map(named.flatMap((name, i) => (params.has(i) ? [] : entry(i, metricAt(name)))))
  const missing = goals.find(({ metric }) => ![...found.values()].includes(metric))
  if (missing || params.size === 0) {
    const what = missing ? `the goal '${missing.metric}'` : `a parameter: ${all.map(({ name }) => name).join(', ')}`
    throw new TuneError('data/invalid', `${file} has no column for ${what}`, { hint: `its columns are ${named.slice(0, 50).join(', ').slice(0, 500)}` }) // prettier-ignore
  }
  return { params, metrics: found, state: named.findIndex((name) => name.toLowerCase() === 'state') }
}

function entry<T>(index: number, value: T | undefined): readonly (readonly [number, T])[] {
  return value === undefined ? [] : [[index, value]]
}

function trialOf(
  row: readonly string[],
  { params, metrics, state }: Columns,
  origin: string,
): ImportedTrial | { readonly why: string } {
  const ended = state < 0 ? 'complete' : STATES.get((row[state] ?? '').toLowerCase())
  if (ended === undefined) return { why: `its state is ${(row[state] ?? '').slice(0, 40) || 'not said'}` }
  const values = new Map(
    [...params].flatMap(([i, leaf]): [string, Choice][] => {
      const value = valueOf(leaf, (row[i] ?? '').trim())
      return value === undefined ? [] : [[leaf.name, value]]
    }),
  )
  const result: Metrics = Object.fromEntries([...metrics].flatMap(([i, name]) => {
    const text = (row[i] ?? '').trim()
    return text === '' ? [] : [[name, numberOf(text)]]
  })) // prettier-ignore
  return { origin, state: ended, values, reports: Object.keys(result).length === 0 ? [] : [result], startedAt: 0, endedAt: 0 } // prettier-ignore
}

/** Of our own exports, of Optuna's data frames, and of Weights & Biases. */
const STATES: ReadonlyMap<string, ImportedTrial['state']> = new Map([
  ['complete', 'complete'],
  ['finished', 'complete'],
  ['pruned', 'pruned'],
  ['fail', 'failed'],
  ['failed', 'failed'],
  ['crashed', 'failed'],
])

/** A number, or the choice that is written so, as Python may write it. Whether it is one is seen when it is placed. */
function valueOf({ spec, name }: Leaf, text: string): Choice | undefined {
  // Nothing is what is not there, unless nothing is a choice; of a nested parameter it is not known which.
  if (text === '') return 'choices' in spec && spec.choices.includes(null) && !name.includes('.') ? null : undefined
  if (!('choices' in spec)) return numberOf(text)
  const same = (option: Choice) => String(option) === text || String(option).toLowerCase() === text.toLowerCase() || (typeof option === 'number' && option === Number(text)) // prettier-ignore
  return spec.choices.find((option) => String(option) === text) ?? spec.choices.find(same) ?? text
}

/** Number() takes '' for 0 and knows no `inf`. */
function numberOf(text: string): number {
  const word = /^([+-]?)inf(?:inity)?$/i.exec(text)
  return word ? (word[1] === '-' ? -Infinity : Infinity) : Number(text)
}
