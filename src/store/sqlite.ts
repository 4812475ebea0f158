import Database from 'better-sqlite3'
import { dirname } from 'node:path'
import { systemClock, type Clock } from '../clock.ts'
import { ensureDir, studiesFile } from '../results.ts'
import type { Params } from '../space.ts'
import { hasEnded } from '../trial.ts'
import type { History } from '../trial.ts'
import { checkUnchanged } from './changes.ts'
import { valueOf, type Connect, type Db } from './db.ts'
import { afterDriver, createLedger } from './ledger.ts'
import { enqueue } from './sqlite_enqueue.ts'
import { guarded } from './sqlite_errors.ts'
import { readForeignTrials } from './sqlite_foreign.ts'
import { isLocked, lockStudy } from './sqlite_lock.ts'
import { readEvents, readRecord, readStudies, readTrials, type StoredTrial } from './sqlite_read.ts'
import { readFile } from './sqlite_reader.ts'
import { ensureSchema } from './sqlite_schema.ts'
import { insertEvent, insertStudy, interruptRunning, trialWriter, updateStudy } from './sqlite_write.ts'
import type { Store, StudyRecord, StudyStore } from './store.ts'

export interface SqliteOptions {
  readonly clock?: Clock
  /** How long to wait for another process that has the file to itself. Default: 10 s. */
  readonly busyMs?: number
}

const BUSY_MS = 10_000

/**
 * Keeps studies in `studies.sqlite` of a results directory: Optuna's tables, which Optuna and its dashboard open, and ours
 * beside them. Nothing is made before the first `open`; `list` works on a read-only copy too.
 */
export function openSqliteStore(results: string, { clock = systemClock, busyMs = BUSY_MS }: SqliteOptions = {}): Store {
  const file = studiesFile(results)
  const locks = new Map<string, Db>()
  let writer: Db | undefined
  const query = <T>(read: (db: Db) => T): T | undefined => {
    const own = writer
    return own ? guarded(file, () => read(own)) : readFile(connect, file, busyMs, read)
  }

  return {
    open: (record, { acceptCodeChange = false } = {}) => {
      const lock = lockStudy(connect, results, record.name)
      try {
        const db = (writer ??= guarded(file, () => openForWriting(file, busyMs)))
        const study = guarded(file, () => openStudy(db, record, { acceptCodeChange, clock }))
        locks.set(record.name, lock)
        return study
      } catch (error) {
        lock.close()
        throw error
      }
    },
    list: () =>
      (query(readStudies) ?? []).map((study) => {
        const { name } = study.record
        const isRunning = locks.has(name) || isLocked(connect, results, name)
        const events = () => query((db) => readEvents(db, name)) ?? []
        return { ...study, history: isRunning ? study.history : left(study.history), events }
      }),
    log: (study, event) => {
      const own = writer
      if (own) guarded(file, () => insertEvent(own, study, event, clock.now()))
    },
    close: () => {
      writer?.close()
      writer = undefined
      for (const lock of locks.values()) lock.close()
      locks.clear()
    },
  }
}

/** Lets a trial wait to be run by whoever runs its study, now or later; its number. */
export function enqueueTrial(
  results: string,
  record: StudyRecord,
  params: Params,
  options: SqliteOptions = {},
): number {
  const { clock = systemClock, busyMs = BUSY_MS } = options
  const file = studiesFile(results)
  return guarded(file, () => {
    const db = openForWriting(file, busyMs)
    try {
      return db.transaction(() => enqueue(db, record, params, clock.now())).immediate()
    } finally {
      db.close()
    }
  })
}

/**
 * Every connection and every statement there ever was. From Node 24.21 on, an object of an addon that is collected as
 * garbage may abort the process (node_object_wrap.h takes a hook off an environment that is not entered then), so none
 * is; a statement is prepared once for each text, which bounds how many there are.
 */
const kept: unknown[] = []

const connect: Connect = (file, options) => {
  const database = new Database(file, options)
  const statements = new Map<string, Database.Statement>()
  kept.push(database, statements)
  const prepare = (sql: string): Database.Statement => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    name: database.name,
    exec: (sql) => database.exec(sql),
    prepare,
    // Setting one may happen when it is prepared, so that is done anew each time.
    pragma: (source) =>
      source.includes('=') ? database.exec(`PRAGMA ${source}`) : prepare(`PRAGMA ${source}`).pluck().get(),
    transaction: (run) => ({
      immediate: (...args) => {
        database.exec('BEGIN IMMEDIATE')
        try {
          const result = run(...args)
          database.exec('COMMIT')
          return result
        } catch (error) {
          // A full disk has rolled it back already.
          if (database.inTransaction) database.exec('ROLLBACK')
          throw error
        }
      },
    }),
    close: () => database.close(),
  }
}

function openForWriting(file: string, busyMs: number): Db {
  ensureDir(dirname(file))
  const db = connect(file, { timeout: busyMs })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('foreign_keys = ON')
    ensureSchema(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Opens one study of a file for writing. Its trials are read once; from then on memory and file change together. */
function openStudy(
  db: Db,
  record: StudyRecord,
  options: { readonly acceptCodeChange: boolean; readonly clock: Clock },
): StudyStore {
  const { clock } = options
  const { studyId, stored } = db.transaction(() => admit(db, record, options)).immediate()
  const ids = new Map(stored.map(({ id, trial }) => [trial.number, id]))
  const ledger = createLedger(
    record,
    stored.map(({ trial }) => trial),
  )
  const write = trialWriter(db, studyId, record)
  // Trials of other programs that wait.
  const enqueued = new Set(stored.filter(({ isForeign, trial }) => isForeign && !hasEnded(trial)).map(({ trial }) => trial.number)) // prettier-ignore
  let version = db.pragma('data_version')
  let nextNumber = write.nextNumber()

  const written = <T>(run: () => T): T => guarded(db.name, () => db.transaction(run).immediate())
  const durably = <T>(run: () => T): T => guarded(db.name, () => fullySynced(db, db.transaction(run)))
  const idOf = (number: number): number => {
    const id = ids.get(number)
    if (id === undefined) throw new Error(`there is no trial ${number}`)
    return id
  }
  // Another program may add trials meanwhile, or take those that wait; SQLite says cheaply whether anyone has written.
  const takeForeign = () => {
    const now = db.pragma('data_version')
    if (now === version) return
    version = now
    nextNumber = write.nextNumber()
    const foreign = readForeignTrials(db, studyId, record)
    for (const number of enqueued) ledger.drop(number)
    enqueued.clear()
    for (const { id, trial } of foreign) {
      ids.set(trial.number, id)
      ledger.put(trial)
      if (!hasEnded(trial)) enqueued.add(trial.number)
    }
  }

  return {
    history: () => {
      guarded(db.name, takeForeign)
      return ledger.history()
    },
    start: (start) => {
      const trial = written(() => {
        takeForeign()
        const started = ledger.started(start.number ?? nextNumber, start)
        if (start.number === undefined) ids.set(started.number, write.insert(started, clock.now()))
        else if (enqueued.delete(start.number)) write.claim(idOf(start.number), started, clock.now())
        else write.restart(idOf(start.number), started, clock.now())
        return started
      })
      nextNumber = Math.max(nextNumber, trial.number + 1)
      return ledger.put(trial)
    },
    report: (number, report) => {
      const trial = ledger.reported(number, report)
      written(() => write.report(idOf(number), report))
      return ledger.put(trial)
    },
    finish: (number, outcome, seconds) => {
      const trial = ledger.finished(number, outcome, seconds)
      durably(() => write.finish(idOf(number), trial, clock.now()))
      return ledger.put(trial)
    },
  }
}

/** Finds or creates the study, and takes over what a dead driver left. Runs within one transaction. */
function admit(
  db: Db,
  record: StudyRecord,
  { acceptCodeChange, clock }: { readonly acceptCodeChange: boolean; readonly clock: Clock },
): { readonly studyId: number; readonly stored: readonly StoredTrial[] } {
  const found = readRecord(db, record.name)
  if (!found) return { studyId: insertStudy(db, record, clock.now()), stored: [] }
  const hasTrials = valueOf(db, 'SELECT EXISTS (SELECT 1 FROM trials WHERE study_id = ?)', found.id)
  const changes = hasTrials ? checkUnchanged(found.record, record, { acceptCodeChange }) : []
  if (changes.length > 0) insertEvent(db, record.name, { kind: 'space-changed', changes }, clock.now())
  if (hasTrials && found.record.codeHash !== record.codeHash) {
    const event = { kind: 'code-changed', was: found.record.codeHash, is: record.codeHash }
    insertEvent(db, record.name, event, clock.now())
  }
  updateStudy(db, found.id, record)
  interruptRunning(db, found.id)
  return { studyId: found.id, stored: readTrials(db, found.id, record) }
}

/** Runs a transaction that is on the disk, not only with the system, when it returns: a power cut cannot undo it. */
function fullySynced<T>(db: Db, transaction: { immediate(): T }): T {
  db.pragma('synchronous = FULL')
  try {
    return transaction.immediate()
  } finally {
    db.pragma('synchronous = NORMAL')
  }
}

/** The trials of a study that no driver holds: what it left running is interrupted. */
function left(history: History): History {
  return { ...history, trials: history.trials.map(afterDriver) }
}
