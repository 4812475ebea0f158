import { placeIn, type Space } from '../space.ts'
import type { Device, Metrics, Outcome, Report, Trial, TrialCode } from '../trial.ts'
import { rowsOf, tuplesOf, valueOf, type Db } from './db.ts'
import { createLedger } from './ledger.ts'
import { OPTUNA_STATES } from './optuna.ts'
import { spaceOf } from './space_of.ts'
import { IS_OURS, readForeignTrials } from './sqlite_foreign.ts'
import { readFailures } from './sqlite_attempts.ts'
import { isConstraints, isDevice, isFlatEnough, isGoals, isMetrics, isSettings, isSpace } from './shapes.ts'
import { damaged, parsed, time } from './sqlite_json.ts'
import { hasTuneTables } from './sqlite_schema.ts'
import type { LoggedEvent, StoredStudy, StudyRecord } from './store.ts'

/** A trial and the id of its row in Optuna's tables. */
export interface StoredTrial {
  readonly id: number
  readonly trial: Trial
  /** Whether another program wrote it. */
  readonly isForeign?: boolean
}

/** Every study of ours in a file; one that only Optuna knows has no space to show. */
export function readStudies(db: Db): readonly Omit<StoredStudy, 'events' | 'attempts'>[] {
  if (!hasTuneTables(db)) return []
  const names = rowsOf<{ name: string }>(
    db,
    'SELECT study_name AS name FROM studies JOIN tune_studies USING (study_id) ORDER BY study_id',
  )
  return names.flatMap(({ name }) => {
    const found = readRecord(db, name)
    if (!found) return []
    const trials = readTrials(db, found.id, found.record).map(({ trial }) => trial)
    return [{ record: found.record, history: createLedger(found.record, trials).history(), ...readTimes(db, found.id) }]
  })
}

/** What is stored of a study beside its trials. */
export function readRecord(db: Db, name: string): { readonly id: number; readonly record: StudyRecord } | undefined {
  const [row] = rowsOf<StudyRow>(
    db,
    'SELECT * FROM studies JOIN tune_studies USING (study_id) WHERE study_name = ?',
    name,
  )
  if (!row) return undefined
  const { study_id, goals_json, constraints_json, space_json, settings_json, seed, code_hash, steps } = row
  const record: StudyRecord = {
    name,
    goals: parsed(db, goals_json, isGoals),
    constraints: parsed(db, constraints_json ?? '[]', isConstraints),
    space: parsed(db, space_json, isSpace),
    settings: parsed(db, settings_json, isSettings),
    seed,
    steps: steps === 0 ? null : (steps ?? undefined),
    codeHash: code_hash,
  }
  return { id: study_id, record }
}

/** Rows that are read at once: enough to be quick, and so few that they are garbage before they are old. */
const PAGE = 100

/** The trials of a study by number, those of other programs among them where they have ended and fit the space. */
export function readTrials(db: Db, studyId: number, record: StudyRecord): readonly StoredTrial[] {
  const space = spaceOf(record.space)
  const failures = readFailures(db, studyId)
  const sql = `
    SELECT t.trial_id, number, state, ${columnsOf(db)} FROM trials AS t JOIN tune_trials AS o USING (trial_id)
    WHERE study_id = ? AND t.trial_id > ? AND ${IS_OURS} ORDER BY t.trial_id LIMIT ${PAGE}
  `
  // A study runs on a few devices, and each trial says which; some samplers say the same of all their trials.
  const deviceOf = shared((json: string) => parsed(db, json, isDevice))
  const reasonOf = shared((reason: string) => reason)
  const own: StoredTrial[] = []
  for (let from = Number.MIN_SAFE_INTEGER; ;) {
    const rows = tuplesOf<TrialRow>(db, sql, studyId, from)
    const last = rows.at(-1)?.[AT.trial_id]
    if (last === undefined) break
    if (last <= from) throw damaged(db, `${last} is no id of a trial`)
    const reports = readReports(db, studyId, from, last)
    for (const row of rows) {
      const id = row[AT.trial_id]
      const reason = row[AT.reason]
      const trial = parseTrial(db, space, row, deviceOf(row[AT.device_json]), reports.get(id) ?? [])
      const failed = failures.get(id)
      if (reason !== null) trial.reason = reasonOf(reason)
      if (failed) trial.failures = failed
      own.push({ id, trial })
    }
    from = last
  }
  const all = isAll(db, studyId, own) ? own : [...own, ...readForeignTrials(db, studyId, record).trials]
  return all.toSorted((a, b) => a.trial.number - b.trial.number)
}

/** Values that are the same for many, each worked out once; no more of them than there could be. */
const MOST_SHARED = 100

/** What a function gives for each text, the same thing for the same text. */
function shared<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before
    const value = work(text)
    if (known.size < MOST_SHARED) known.set(text, value)
    return value
  }
}

/** Whether no other program has trials in a study, which is far quicker to see than which ones they are. */
function isAll(db: Db, studyId: number, own: readonly StoredTrial[]): boolean {
  return valueOf(db, 'SELECT count(*) FROM trials WHERE study_id = ?', studyId) === own.length
}

/** Whether a trial that was ours still is. */
export function isOurs(db: Db, id: number): boolean {
  const sql = `SELECT EXISTS (SELECT 1 FROM trials AS t JOIN tune_trials AS o USING (trial_id) WHERE trial_id = ? AND ${IS_OURS})`
  return valueOf(db, sql, id) === 1
}

/** What is read of a trial; null for what the version that wrote the file did not have. There may be very many rows. */
function columnsOf(db: Db): string {
  const sql = `SELECT name FROM pragma_table_info('tune_trials')`
  const there = new Set(rowsOf<{ name: string }>(db, sql).map(({ name }) => name))
  const columns = Object.keys(AT).slice(AT.state + 1)
  return columns.map((column) => (there.has(column) ? `o.${column}` : 'NULL')).join(', ')
}

function parseTrial(db: Db, space: Space, row: TrialRow, device: Device, reports: readonly Report[]): Mutable<Trial> {
  const number = row[AT.number]
  const from = row[AT.from_number]
  const derived = row[AT.derived_json]
  const seconds = row[AT.seconds]
  if (!isNumber(number) || !isNumber(from ?? 0)) throw damaged(db, `'${number}' is no number of a trial`)
  const { params, point } = placeIn(space, parsed(db, row[AT.params_json], isFlatEnough))
  // By assignment: to spread what may be absent would take longer than all the rest.
  const trial: Mutable<Trial> = { number, params, point, seed: row[AT.seed], device, reports, outcome: outcomeOf(row) }
  if (derived !== null) trial.derived = parsed(db, derived, isFlatEnough)
  if (from !== null) trial.from = from
  if (seconds !== null) trial.seconds = seconds
  return trial
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** It names a directory. */
function isNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function outcomeOf(row: TrialRow): Outcome {
  const state = row[AT.state]
  if (state === OPTUNA_STATES.paused && row[AT.paused_at] !== null) return OUTCOMES.paused
  const known = STATES.find((name) => OPTUNA_STATES[name] === state) ?? 'interrupted'
  if (known !== 'failed') return OUTCOMES[known]
  const code = (row[AT.failure_code] ?? 'trial/lost') as TrialCode
  return { state: 'failed', code, message: row[AT.failure_message] ?? '' }
}

const STATES = ['running', 'interrupted', 'complete', 'pruned', 'failed'] as const

/** Shared by all trials that ended so. */
const OUTCOMES = {
  running: { state: 'running' },
  interrupted: { state: 'interrupted' },
  paused: { state: 'paused' },
  complete: { state: 'complete' },
  pruned: { state: 'pruned' },
} as const

/** The reports of the trials whose rows come after one and up to another. */
function readReports(db: Db, studyId: number, after: number, last: number): ReadonlyMap<number, readonly Report[]> {
  const sql = `
    SELECT t.trial_id, step, metrics_json, at FROM trials AS t JOIN tune_reports AS r USING (trial_id)
    WHERE study_id = ? AND t.trial_id > ? AND t.trial_id <= ? ORDER BY t.trial_id, step
  `
  const reports = new Map<number, Report[]>()
  for (const row of tuplesOf<ReportRow>(db, sql, studyId, after, last)) {
    const report = { step: row[1], metrics: parseMetrics(db, row[2]), at: time(db, row[3]) }
    const list = reports.get(row[0])
    if (list) list.push(report)
    else reports.set(row[0], [report])
  }
  return reports
}

/** Metrics as JSON, where a number that JSON has no word for is a string. */
export function metricsJson(metrics: Metrics): string {
  return JSON.stringify(metrics, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  )
}

function parseMetrics(db: Db, json: string): Metrics {
  const metrics: Record<string, unknown> = parsed(db, json, isMetrics)
  // Those that JSON has no word for are strings.
  for (const name of Object.keys(metrics)) if (typeof metrics[name] !== 'number') metrics[name] = Number(metrics[name])
  return metrics as Metrics
}

/** The log of a study. */
export function readEvents(db: Db, name: string): readonly LoggedEvent[] {
  if (!hasTuneTables(db)) return []
  const sql = `
    SELECT kind, at, event_json FROM tune_events JOIN studies USING (study_id) WHERE study_name = ? ORDER BY event_id
  `
  return rowsOf<EventRow>(db, sql, name).map(({ kind, at, event_json }) => {
    return { ...parsed(db, event_json, isFlatEnough), kind, at: time(db, at) }
  })
}

function readTimes(db: Db, studyId: number): StudyTimes {
  const sql = `
    SELECT coalesce(min(started_at), created_at) AS startedAt,
      max(created_at, coalesce(max(started_at), 0), coalesce(max(ended_at), 0),
        coalesce((SELECT max(at) FROM tune_reports JOIN trials USING (trial_id) WHERE study_id = s.study_id), 0),
        coalesce((SELECT max(at) FROM tune_events WHERE study_id = s.study_id), 0)) AS updatedAt
    FROM tune_studies s LEFT JOIN trials USING (study_id) LEFT JOIN tune_trials USING (trial_id) WHERE study_id = ?
  `
  const { startedAt, updatedAt } = rowsOf<StudyTimes>(db, sql, studyId)[0] ?? { startedAt: 0, updatedAt: 0 }
  return { startedAt: time(db, startedAt), updatedAt: time(db, updatedAt) }
}

type StudyTimes = Pick<StoredStudy, 'startedAt' | 'updatedAt'>

interface StudyRow {
  readonly study_id: number
  readonly goals_json: string
  /** Null, or no column at all, where an older version wrote. */
  readonly constraints_json?: string | null
  readonly space_json: string
  readonly settings_json: string
  readonly seed: number
  readonly code_hash: string
  /** 0 without a limit; null, or no column at all, where an older version wrote. */
  readonly steps?: number | null
}

/** The places of a trial's columns: those after its state are of our own table. */
const AT = {
  trial_id: 0,
  number: 1,
  state: 2,
  params_json: 3,
  derived_json: 4,
  seed: 5,
  device_json: 6,
  reason: 7,
  from_number: 8,
  paused_at: 9,
  seconds: 10,
  failure_code: 11,
  failure_message: 12,
} as const

type TrialRow = readonly [
  trial_id: number,
  number: number,
  state: string,
  params_json: string,
  /** Null where its study derives nothing. */
  derived_json: string | null,
  seed: number,
  device_json: string,
  reason: string | null,
  /** Number of the trial that it began from; null where it began anew. */
  from_number: number | null,
  /** When it paused; null where it did not. */
  paused_at: number | null,
  /** How long it ran; null where that is not known. */
  seconds: number | null,
  failure_code: string | null,
  failure_message: string | null,
]

interface EventRow {
  readonly kind: string
  readonly at: number
  readonly event_json: string
}

type ReportRow = readonly [trial_id: number, step: number, metrics_json: string, at: number]
