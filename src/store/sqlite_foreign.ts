import { parsePythonJson } from '../json.ts'
import { seedFor } from '../rng.ts'
import { encodeSpace, fitParams, leaves, type Choice, type Space } from '../space.ts'
import type { Metrics, Outcome, Report, Trial } from '../trial.ts'
import { rowsOf, valueOf, type Db } from './db.ts'
import { externalValue, fromLeaves, OPTUNA_STATES, plainValue, type TypedValue } from './optuna.ts'
import { spaceOf } from './space_of.ts'
import type { StoredTrial } from './sqlite_read.ts'
import type { StudyRecord } from './store.ts'

/**
 * Trials that another program, such as Optuna, wrote into a study of ours, where their parameters lie in the space: those
 * that have ended, and those that wait with params that they were given. The rest is its own business. Rows before `from` and
 * those of `known` are left out.
 */
export function readForeignTrials(
  db: Db,
  studyId: number,
  record: StudyRecord,
  { from = 0, known = new Set() }: { readonly from?: number; readonly known?: ReadonlySet<number> } = {},
): ForeignTrials {
  const sql = `
    SELECT trial_id, number, state, 1000 * unixepoch(datetime_complete) AS at,
      (SELECT value_json FROM trial_system_attributes WHERE trial_id = t.trial_id AND key = 'fixed_params') AS fixed_json
    FROM trials AS t
    WHERE study_id = ? AND trial_id >= ? AND NOT EXISTS (
      SELECT 1 FROM tune_trials AS o WHERE o.trial_id = t.trial_id AND ${IS_OURS}
    )
    ORDER BY trial_id
  `
  const space = spaceOf(record.space)
  const rows = rowsOf<ForeignRow>(db, sql, studyId, from).filter(
    ({ trial_id, number }) => !known.has(trial_id) && Number.isSafeInteger(number) && number >= 0,
  )
  const trials = rows.flatMap((row) => {
    const trial = row.state === WAITING ? parseWaiting(row, record, space) : parseForeign(db, row, record, space)
    return trial ? [{ id: row.trial_id, trial, isForeign: true }] : []
  })
  const open = rows.find(({ state }) => !ENDED.includes(state))
  const last = Number(valueOf(db, 'SELECT coalesce(max(trial_id), 0) FROM trials'))
  return { trials, from: open?.trial_id ?? last + 1 }
}

interface ForeignTrials {
  readonly trials: readonly StoredTrial[]
  /** The first row that may be another one the next time: those before it have ended, or are ours. */
  readonly from: number
}

const WAITING = OPTUNA_STATES.interrupted
const ENDED: readonly string[] = [OPTUNA_STATES.complete, OPTUNA_STATES.pruned, OPTUNA_STATES.failed]

/**
 * Whether a row `t` of `trials`, beside its `o` of `tune_trials`, is still ours: who starts a trial stamps it. What waits
 * after an interruption is without a stamp, and whoever takes it up then, such as Optuna, makes it its own.
 */
export const IS_OURS = `
  (t.datetime_start IS NULL OR abs(1000 * unixepoch(t.datetime_start, 'subsec') - o.started_at) < 50)
`

/** One that was enqueued: what it is not told is at its default. */
function parseWaiting({ number, fixed_json }: ForeignRow, record: StudyRecord, space: Space): Trial | undefined {
  try {
    const given = Object.entries(parsePythonJson(fixed_json ?? '') as Readonly<Record<string, Choice>>)
    const params = fitParams(record.space, fromLeaves(record.space, new Map(given)))
    const seed = seedFor(record.seed, 'trial', number)
    return { ...shellOf(number), point: encodeSpace(space, params), params, seed, reason: 'enqueued', outcome: { state: 'interrupted' } } // prettier-ignore
  } catch {
    return undefined // params of another space, or none at all
  }
}

function parseForeign(db: Db, row: ForeignRow, record: StudyRecord, space: Space): Trial | undefined {
  if (!ENDED.includes(row.state)) return undefined
  try {
    const params = fromLeaves(record.space, readLeaves(db, row.trial_id, record))
    const point = encodeSpace(space, params)
    return {
      ...shellOf(row.number),
      point,
      params,
      reports: readReports(db, row, record),
      outcome: outcomeOf(row.state),
    }
  } catch {
    return undefined // parameters of another space, or JSON of a kind that we do not know
  }
}

/** What another program does not say of a trial. */
function shellOf(number: number): Pick<Trial, 'number' | 'seed' | 'device' | 'reports'> {
  return { number, seed: 0, device: { kind: 'cpu', index: 0, threads: 1 }, reports: [] }
}

function outcomeOf(state: string): Outcome {
  if (state === OPTUNA_STATES.failed)
    return { state: 'failed', code: 'trial/threw', message: 'failed in another program' }
  return { state: state === OPTUNA_STATES.pruned ? 'pruned' : 'complete' }
}

function readLeaves(db: Db, trialId: number, record: StudyRecord): ReadonlyMap<string, Choice> {
  const specs = new Map(leaves(record.space, {}).map(({ name, spec }) => [name, spec]))
  const sql = 'SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = ?'
  return new Map(
    rowsOf<ParamRow>(db, sql, trialId).map(({ param_name, param_value, distribution_json }) => {
      const spec = specs.get(param_name)
      if (!spec) throw new Error(`another parameter: ${param_name}`)
      const { attributes } = parsePythonJson(distribution_json) as {
        readonly attributes: { readonly choices?: readonly Choice[] }
      }
      return [param_name, externalValue(spec, param_value, attributes.choices)]
    }),
  )
}

/** Its intermediate values of the first goal, counted from 1, and its final values where they say more. */
function readReports(db: Db, { trial_id, at }: ForeignRow, { goals }: StudyRecord): readonly Report[] {
  const steps = `
    SELECT intermediate_value AS value, intermediate_value_type AS type FROM trial_intermediate_values
    WHERE trial_id = ? ORDER BY step
  `
  const finals = 'SELECT value, value_type AS type FROM trial_values WHERE trial_id = ? ORDER BY objective'
  const first = goals[0]?.metric ?? ''
  const curve: Metrics[] = rowsOf<TypedValue>(db, steps, trial_id).map((value) => ({ [first]: plainValue(value) }))
  const values = rowsOf<TypedValue>(db, finals, trial_id).map(plainValue)
  const result = Object.fromEntries(values.map((value, i) => [goals[i]?.metric ?? '', value]))
  const isNew = values.length > 1 || (values.length === 1 && curve.at(-1)?.[first] !== values[0])
  return [...curve, ...(isNew ? [result] : [])].map((metrics, i) => ({ step: i + 1, metrics, at }))
}

interface ForeignRow {
  readonly trial_id: number
  readonly number: number
  readonly state: string
  readonly at: number
  readonly fixed_json: string | null
}

interface ParamRow {
  readonly param_name: string
  readonly param_value: number
  readonly distribution_json: string
}
