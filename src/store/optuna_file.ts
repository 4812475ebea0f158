import { statSync } from 'node:fs'
import { isTuneError, messageOf, TuneError } from '../errors.ts'
import { parsePythonJson, type Json } from '../json.ts'
import type { Choice } from '../space.ts'
import type { Goal } from '../trial.ts'
import { connect } from './connect.ts'
import { rowsOf, type Db } from './db.ts'
import { checkPlainTables, columnsOf } from './plain_tables.ts'
import { plainValue, type TypedValue } from './optuna.ts'

/** A trial of another program that has ended. */
export interface OtherTrial {
  /** What it is called there, to be found again. */
  readonly name: string
  readonly state: 'complete' | 'pruned' | 'failed'
  /** Its parameters, each by its name and with its own distribution, where that is known. */
  readonly values: ReadonlyMap<string, { readonly value: Choice; readonly distribution?: Distribution }>
  /** What it reported, the last its result: values by the goals' order, or fewer. */
  readonly reports: readonly (readonly number[])[]
  /** Milliseconds since 1970. */
  readonly startedAt: number
  readonly endedAt: number
}

/** Optuna's description of a parameter. */
export interface Distribution {
  readonly name: string
  readonly attributes: Readonly<Record<string, Json>>
}

/** One that cannot be taken, and why. */
export interface Refused {
  readonly name: string
  readonly why: string
}

export interface OptunaStudy {
  readonly name: string
  readonly goals: readonly Goal[]
  /** Read anew each time. */
  readonly trials: Iterable<OtherTrial | Refused>
}

/** Cells that are longer hold nothing that we want: no name, distribution or list of names is. */
const MOST_BYTES = 1 << 16
/** Trials of a study, and values of a trial: a damaged file may go round in circles. */
const MOST_TRIALS = 1_000_000
const MOST_VALUES = 100_000

/**
 * Reads a study of a file that Optuna wrote, of 2.4 or newer, and gives what `use` makes of it. The file is trusted in
 * nothing: only plain tables are read, the connection can write nothing and calls no function of the file's, and pickled
 * attributes are never looked at.
 */
export async function readOptunaFile<T>(
  file: string,
  study: string | undefined,
  use: (study: OptunaStudy) => Promise<T>,
): Promise<T> {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new TuneError('data/missing', `${file} is no file`, { hint: 'give the SQLite file that Optuna wrote' })
  }
  const db = connect(file, { readonly: true, timeout: 10_000 })
  try {
    for (const setting of ['cell_size_check = ON', 'query_only = ON']) db.pragma(setting)
    checkPlainTables(db, TABLES)
    return await use(studyOf(db, study))
  } catch (error) {
    if (isTuneError(error) || !isOfSqlite(error)) throw error
    throw new TuneError('data/invalid', `${file} cannot be read as a study of Optuna: ${messageOf(error)}`, { cause: error, hint: 'give the SQLite file that Optuna wrote' }) // prettier-ignore
  } finally {
    db.close()
  }
}

function isOfSqlite(error: unknown): boolean {
  return error instanceof Error && error.name === 'SqliteError'
}

const TABLES: Readonly<Record<string, readonly string[]>> = {
  version_info: ['library_version'],
  studies: ['study_id', 'study_name'],
  study_directions: ['study_id', 'objective', 'direction'],
  study_system_attributes: ['study_id', 'key', 'value_json'],
  trials: ['trial_id', 'number', 'study_id', 'state', 'datetime_start', 'datetime_complete'],
  trial_params: ['param_id', 'trial_id', 'param_name', 'param_value', 'distribution_json'],
  trial_values: ['trial_id', 'objective', 'value'],
  trial_intermediate_values: ['trial_id', 'step', 'intermediate_value'],
}

/** A text column, or null where it is too long: that is known before it is read. */
function text(column: string): string {
  return `CASE WHEN octet_length(${column}) <= ${MOST_BYTES} THEN CAST(${column} AS TEXT) END`
}

function studyOf(db: Db, wanted: string | undefined): OptunaStudy {
  const all = rowsOf<{ id: number; name: string | null }>(db, `SELECT study_id AS id, ${text('study_name')} AS name FROM studies LIMIT 1000`) // prettier-ignore
  const named = wanted === undefined ? all : all.filter(({ name }) => name === wanted)
  const [found] = named
  if (!found || named.length > 1) {
    const names = all.map(({ name }) => name ?? '?').join(', ')
    const what = wanted === undefined ? `${db.name} has ${all.length} studies` : `${db.name} has no study '${wanted}'`
    throw new TuneError('study/unknown', what, { hint: all.length > 0 ? `choose one by --study: ${names}` : 'it is empty' }) // prettier-ignore
  }
  const goals = goalsOf(db, found.id)
  return { name: found.name ?? '', goals, trials: { [Symbol.iterator]: () => trialsOf(db, found.id, goals.length) } }
}

function goalsOf(db: Db, study: number): readonly Goal[] {
  const directions = rowsOf<{ direction: string | null }>(db, `SELECT ${text('direction')} AS direction FROM study_directions WHERE study_id = ? ORDER BY objective LIMIT 100`, study) // prettier-ignore
  const [row] = rowsOf<{ json: string | null }>(db, `SELECT ${text('value_json')} AS json FROM study_system_attributes WHERE study_id = ? AND key = 'study:metric_names'`, study) // prettier-ignore
  const names = row?.json == null ? [] : parsePythonJson(row.json)
  return directions.map(({ direction }, i) => {
    const given = Array.isArray(names) ? (names as readonly Json[])[i] : undefined
    const metric = typeof given === 'string' && given !== '' ? given : directions.length === 1 ? 'value' : `value_${i}`
    return { direction: direction === 'MAXIMIZE' ? 'maximize' : 'minimize', metric }
  })
}

/** In the order of their numbers. They are read in portions, each before anything else is. */
function* trialsOf(db: Db, study: number, goals: number): Iterator<OtherTrial | Refused> {
  const timeOf = timeReader(db)
  const read = trialReader(db, goals)
  const sql = `
    SELECT trial_id AS id, number, ${text('state')} AS state, ${text('datetime_start')} AS start, ${text('datetime_complete')} AS complete
    FROM trials WHERE study_id = ? AND trial_id > ? ORDER BY trial_id LIMIT 500
  `
  let after = -1
  for (let count = 0; count < MOST_TRIALS;) {
    const rows = rowsOf<TrialRow>(db, sql, study, after)
    if (rows.length === 0) return
    for (const row of rows) {
      if (typeof row.id !== 'number' || row.id <= after) throw new TuneError('data/invalid', `${db.name}: its trials are in no order`) // prettier-ignore
      after = row.id
      count++
      yield read(row, timeOf)
    }
  }
}

function trialReader(
  db: Db,
  goals: number,
): (row: TrialRow, timeOf: (text: string | null) => number) => OtherTrial | Refused {
  // Before 3.0, numbers that are not finite had no column of their own.
  const typeOf = (table: string, column: string) => (columnsOf(db, table).includes(column) ? text(column) : `'FINITE'`)
  const params = `
    SELECT ${text('param_name')} AS name, param_value AS value, ${text('distribution_json')} AS json
    FROM trial_params WHERE trial_id = ? ORDER BY param_id LIMIT ${MOST_VALUES}
  `
  const steps = `
    SELECT intermediate_value AS value, ${typeOf('trial_intermediate_values', 'intermediate_value_type')} AS type
    FROM trial_intermediate_values WHERE trial_id = ? ORDER BY step LIMIT ${MOST_VALUES}
  `
  const finals = `
    SELECT value, ${typeOf('trial_values', 'value_type')} AS type FROM trial_values WHERE trial_id = ?
    ORDER BY objective LIMIT 100
  `
  return ({ id, number, state, start, complete }, timeOf) => {
    const name = `trial ${String(number)}`
    const ended = STATES.get(state ?? '')
    if (ended === undefined) return { name, why: 'it has not ended' }
    try {
      const values = rowsOf<ParamRow>(db, params, id).map(valueOf)
      const curve = rowsOf<TypedValue>(db, steps, id).map((row) => [finiteOr(row)])
      const result = rowsOf<TypedValue>(db, finals, id).map(finiteOr)
      const isNew = result.length > 1 || (result.length === 1 && curve.at(-1)?.[0] !== result[0])
      const reports = [...curve, ...(isNew ? [result] : [])]
      if (ended === 'complete' && result.length < goals) return { name, why: 'it has no result' }
      const [startedAt, endedAt] = [timeOf(start), timeOf(complete)]
      return { name, state: ended, values: new Map(values), reports, startedAt, endedAt }
    } catch (error) {
      if (isOfSqlite(error)) throw error
      return { name, why: messageOf(error) }
    }
  }
}

const STATES: ReadonlyMap<string, OtherTrial['state']> = new Map([
  ['COMPLETE', 'complete'],
  ['PRUNED', 'pruned'],
  ['FAIL', 'failed'],
])

function valueOf({ name, value, json }: ParamRow): [string, { value: Choice; distribution: Distribution }] {
  if (name === null || json === null) throw new Error('a parameter of it is too long to be one')
  const distribution = parsePythonJson(json) as unknown as Distribution
  if (typeof distribution?.name !== 'string' || typeof distribution.attributes !== 'object') throw new Error(`its parameter '${name}' has no distribution`) // prettier-ignore
  if (typeof value !== 'number') throw new Error(`its parameter '${name}' is no number`)
  const { choices } = distribution.attributes
  if (!Array.isArray(choices)) return [name, { value, distribution }]
  const chosen = (choices as readonly Choice[])[value]
  if (chosen === undefined || (typeof chosen === 'object' && chosen !== null)) throw new Error(`its parameter '${name}' is none of its choices`) // prettier-ignore
  return [name, { value: chosen, distribution }]
}

/** Older versions kept an infinite number as the largest of the finite ones. */
function finiteOr(row: TypedValue): number {
  const value = typeof row.value === 'number' || row.value === null ? plainValue(row) : Number.NaN
  return Math.abs(value) >= Number.MAX_VALUE ? Math.sign(value) * Infinity : value
}

/** Up to 4.9 Optuna wrote the time as the clock on the wall had it, which we take to have been the one of here; since 5 it is UTC. */
function timeReader(db: Db): (text: string | null) => number {
  const [row] = rowsOf<{ version: string | null }>(db, `SELECT ${text('library_version')} AS version FROM version_info LIMIT 1`) // prettier-ignore
  const isLocal = Number.parseInt(row?.version ?? '', 10) < 5
  return (time) => {
    const at = Date.parse(`${(time ?? '').slice(0, 23).replace(' ', 'T')}${isLocal ? '' : 'Z'}`)
    return Number.isNaN(at) ? 0 : at
  }
}

interface TrialRow {
  readonly id: unknown
  readonly number: unknown
  readonly state: string | null
  readonly start: string | null
  readonly complete: string | null
}

interface ParamRow {
  readonly name: string | null
  readonly value: unknown
  readonly json: string | null
}
