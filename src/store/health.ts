import { existsSync, statSync } from 'node:fs'
import { isTuneError, messageOf } from '../errors.ts'
import { lockFile, studiesFile, workersDir } from '../results.ts'
import { connect } from './connect.ts'
import { rowsOf, valueOf, type Db } from './db.ts'
import { networkFileSystem } from './file_system.ts'
import { isHeld } from './kernel_lock.ts'
import { IS_OURS } from './sqlite_foreign.ts'
import { readFile } from './sqlite_reader.ts'
import { hasTuneTables } from './sqlite_schema.ts'
import { orphans } from './worker_locks.ts'

/** One thing that was looked at: `hint` says what to do where something is wrong. */
export interface Check {
  readonly what: string
  readonly text: string
  readonly isWrong: boolean
  readonly hint?: string
}

/** A study that nobody runs, and what its last driver left: trials that it was running, and processes. */
export interface Abandoned {
  readonly study: string
  readonly running: number
  readonly workers: number
}

const PATIENCE_MS = 2000
const MEND = 'tune doctor --mend does so'

/** Looks at the database of a results directory; changes nothing, and works while studies run. */
export function examineStore(results: string): readonly Check[] {
  const file = studiesFile(results)
  if (!existsSync(file)) return [good('database', 'none yet')]
  try {
    return [networkCheck(results), ...(readFile(connect, file, PATIENCE_MS, (db) => checksOf(db, results)) ?? [])]
  } catch (error) {
    const hint = isTuneError(error) ? error.hint : undefined
    return [wrong('database', messageOf(error), hint ?? 'restore a copy of it')]
  }
}

function checksOf(db: Db, results: string): readonly Check[] {
  return [integrityCheck(db), foreignKeyCheck(db), logCheck(db), ...studyChecks(db, results)]
}

function networkCheck(results: string): Check {
  const network = networkFileSystem(results)
  if (network === undefined) return good('disk', 'a local file system')
  return wrong('disk', `a network file system (${network}), which SQLite cannot share`, 'choose a local disk by --results DIR, or run with --exclusive') // prettier-ignore
}

/** Damage that SQLite finds; that of an index alone is undone by making it again. */
export function damageOf(db: Db): readonly string[] {
  const found = rowsOf<{ integrity_check: string }>(db, 'PRAGMA integrity_check(10)')
  return found.map((row) => row.integrity_check).filter((text) => text !== 'ok')
}

export function isOfIndex(damage: string): boolean {
  return /\bindex\b/.test(damage)
}

function integrityCheck(db: Db): Check {
  const damage = damageOf(db)
  const { count } = rowsOf<{ count: number }>(db, 'SELECT count(*) AS count FROM trials')[0]!
  if (damage.length === 0) return good('database', `${count} trials, sound`)
  const hint = damage.every(isOfIndex)
    ? MEND
    : "restore a copy of it, or save what can be read: sqlite3 FILE '.recover'"
  return wrong('database', `${db.name} is damaged: ${damage[0]}`, hint)
}

function foreignKeyCheck(db: Db): Check {
  const rows = rowsOf<{ table: string }>(db, 'PRAGMA foreign_key_check')
  if (rows.length === 0) return good('references', 'every row has what it belongs to')
  const tables = [...new Set(rows.map(({ table }) => table))].join(', ')
  return wrong('references', `${rows.length} rows belong to trials or studies that are gone: ${tables}`, 'another program deleted those; they are in nobody\'s way') // prettier-ignore
}

/** What is not in the database yet but in the log beside it, which both are copied with. */
function logCheck({ name }: Db): Check {
  const bytes = statSync(`${name}-wal`, { throwIfNoEntry: false })?.size ?? 0
  return good(
    'log',
    bytes === 0 ? 'empty' : `${(bytes / 1e6).toFixed(1)} MB beside the database: copy both, or neither`,
  )
}

function studyChecks(db: Db, results: string): readonly Check[] {
  if (!hasTuneTables(db)) return []
  const left = abandonedIn(db, results)
  const texts = left.map(({ study, running, workers }) => `'${study}' (${running} trials, ${workers} processes)`)
  const mine = left.length === 0 ? good('trials', 'none left running by a driver that died') : wrong('trials', `left running by a driver that died: ${texts.join(', ')}`, `${MEND}, and so does tune resume`) // prettier-ignore
  const silent = silentForeign(db)
  if (silent.length === 0) return [mine]
  const names = silent.map(({ study, number, hours }) => `${number} of '${study}' (${hours === null ? 'never heard of' : `silent for ${hours} h`})`) // prettier-ignore
  // They are that program's: neither counted nor waited for.
  return [mine, good('other programs', `running, to Optuna: ${names.join(', ')}; no study of ours waits for them`)]
}

/** What drivers that died left in a database: their trials still stand as running. */
export function abandonedIn(db: Db, results: string): readonly Abandoned[] {
  // Those of the first versions never paused.
  const canPause = valueOf(db, `SELECT count(*) FROM pragma_table_info('tune_trials') WHERE name = 'paused_at'`) === 1
  const sql = `
    SELECT study_name AS study, (
      SELECT count(*) FROM trials AS t JOIN tune_trials AS o USING (trial_id)
      WHERE t.study_id = s.study_id AND state = 'RUNNING' ${canPause ? 'AND paused_at IS NULL' : ''} AND ${IS_OURS}
    ) AS running
    FROM studies AS s JOIN tune_studies USING (study_id)
  `
  return rowsOf<{ study: string; running: number }>(db, sql)
    .filter(({ study }) => !isHeld(lockFile(results, study)))
    .map((left) => ({ ...left, workers: orphans(workersDir(results, left.study)).length }))
    .filter(({ running, workers }) => running + workers > 0)
}

interface Silent {
  readonly study: string
  readonly number: number
  /** Since its last heartbeat; null where its program gives none. */
  readonly hours: number | null
}

/** Trials that another program runs, or did when it died. */
function silentForeign(db: Db): readonly Silent[] {
  const sql = `
    SELECT study_name AS study, number, (unixepoch() - unixepoch(heartbeat)) / 3600 AS hours
    FROM trials AS t JOIN studies USING (study_id) LEFT JOIN trial_heartbeats USING (trial_id)
    WHERE state = 'RUNNING' AND NOT EXISTS (SELECT 1 FROM tune_trials AS o WHERE o.trial_id = t.trial_id AND ${IS_OURS})
    LIMIT 10
  `
  return rowsOf<Silent>(db, sql)
}

export function good(what: string, text: string): Check {
  return { what, text, isWrong: false }
}

export function wrong(what: string, text: string, hint: string): Check {
  return { what, text, isWrong: true, hint }
}
