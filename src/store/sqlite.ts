import { dirname } from 'node:path'
import { systemClock, type Clock } from '../clock.ts'
import { ensureDir, lockFile, studiesFile, workersDir } from '../results.ts'
import type { Params } from '../space.ts'
import type { History } from '../trial.ts'
import { connect } from './connect.ts'
import type { Db } from './db.ts'
import { afterDriver } from './ledger.ts'
import { createBatch, type Batch } from './sqlite_batch.ts'
import { enqueue } from './sqlite_enqueue.ts'
import { guarded } from './sqlite_errors.ts'
import { isHeld, type KernelLock } from './kernel_lock.ts'
import { lockStudy } from './sqlite_lock.ts'
import { readAttempts } from './sqlite_attempts.ts'
import { readEvents, readStudies } from './sqlite_read.ts'
import { readFile } from './sqlite_reader.ts'
import { ensureSchema } from './sqlite_schema.ts'
import { openStudy } from './sqlite_study.ts'
import { insertEvent } from './sqlite_write.ts'
import type { Store, StudyRecord } from './store.ts'
import { endOrphans } from './worker_locks.ts'
import { createWalKeeper } from './wal_keeper.ts'

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
  const locks = new Map<string, KernelLock>()
  let writer: Writer | undefined
  const query = <T>(read: (db: Db) => T): T | undefined => {
    const own = writer
    if (!own) return readFile(connect, file, busyMs, read)
    own.batch.flush()
    return guarded(file, () => read(own.db))
  }

  return {
    open: (record, { acceptCodeChange = false } = {}) => {
      const lock = lockStudy(results, record.name)
      try {
        endOrphans(workersDir(results, record.name))
        const { db, batch } = (writer ??= openWriter(file, busyMs))
        const study = openStudy(db, batch, record, { acceptCodeChange, clock })
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
        const isRunning = locks.has(name) || isHeld(lockFile(results, name))
        const events = () => query((db) => readEvents(db, name)) ?? []
        const attempts = (trial: number) => query((db) => readAttempts(db, name, trial)) ?? []
        return { ...study, history: isRunning ? study.history : left(study.history), events, attempts }
      }),
    log: (study, event) => {
      const own = writer
      const at = clock.now()
      own?.batch.soon(() => insertEvent(own.db, study, event, at))
    },
    close: () => {
      writer?.close()
      writer = undefined
      for (const lock of locks.values()) lock.close()
      locks.clear()
    },
  }
}

/** The database, for as long as this process writes it. */
interface Writer {
  readonly db: Db
  readonly batch: Batch
  close(): void
}

function openWriter(file: string, busyMs: number): Writer {
  const db = guarded(file, () => openForWriting(file, busyMs))
  const keeper = createWalKeeper(file)
  const batch = createBatch(db, keeper.committed)
  // What waits to be written is not lost with a process that ends by an error, either.
  const atExit = () => batch.end()
  process.once('exit', atExit)
  return {
    db,
    batch,
    close: () => {
      process.off('exit', atExit)
      batch.end()
      keeper.close()
      db.close()
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

function openForWriting(file: string, busyMs: number): Db {
  ensureDir(dirname(file))
  const db = connect(file, { timeout: busyMs })
  try {
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    db.pragma('wal_autocheckpoint = 0')
    db.pragma('foreign_keys = ON')
    ensureSchema(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** The trials of a study that no driver holds: what it left running is interrupted. */
function left(history: History): History {
  return { ...history, trials: history.trials.map(afterDriver) }
}
