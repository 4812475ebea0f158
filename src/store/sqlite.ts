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
import { createWalKeeper, type WalKeeper } from './wal_keeper.ts'
import { whenFree } from './when_free.ts'
import { networkFileSystem } from './file_system.ts'
import { TuneError } from '../errors.ts'

export interface SqliteOptions {
  readonly clock?: Clock
  /** How long to wait for another process that has the file to itself. Default: 10 s. */
  readonly busyMs?: number
  /** Whether this process is to have the file to itself, to its readers too. Only so may it lie on a network disk. */
  readonly isAlone?: boolean
  /** Is told what was done to the file beside what was asked for. */
  readonly say?: (message: string) => void
  /** The network file system of a directory, if it lies on one. Default: as Linux says. */
  readonly networkOf?: (dir: string) => string | undefined
}

const BUSY_MS = 10_000

/**
 * Keeps studies in `studies.sqlite` of a results directory: Optuna's tables, which Optuna and its dashboard open, and ours
 * beside them. Nothing is made before the first `open`; `list` works on a read-only copy too.
 */
export function openSqliteStore(results: string, options: SqliteOptions = {}): Store {
  const { clock = systemClock, busyMs = BUSY_MS } = options
  const file = studiesFile(results)
  const locks = new Map<string, KernelLock>()
  let writer: Writer | undefined
  const query = <T>(read: (db: Db) => T): T | undefined => {
    const own = writer
    if (!own) return readFile(connect, file, busyMs, read)
    own.batch.flush()
    return guarded(file, () => whenFree(() => read(own.db), busyMs))
  }

  return {
    open: (record, { acceptCodeChange = false } = {}) => {
      checkDisk(results, options)
      const lock = lockStudy(results, record.name)
      try {
        endOrphans(workersDir(results, record.name))
        const { db, batch } = (writer ??= openWriter(file, options))
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

function openWriter(file: string, options: SqliteOptions): Writer {
  const db = guarded(file, () => openForWriting(file, options))
  const keeper = options.isAlone ? NO_LOG : createWalKeeper(file)
  // From here on it is the batch that waits for others.
  db.pragma('busy_timeout = 0')
  const batch = createBatch(db, { waitMs: options.busyMs ?? BUSY_MS, onCommit: keeper.committed })
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
  const { clock = systemClock } = options
  const file = studiesFile(results)
  checkDisk(results, options)
  return guarded(file, () => {
    const db = openForWriting(file, options)
    try {
      return db.transaction(() => enqueue(db, record, params, clock.now())).immediate()
    } finally {
      db.close()
    }
  })
}

/** Without a write-ahead log, each commit waits for the disk itself. */
const NO_LOG: WalKeeper = { committed: () => undefined, close: () => undefined }

export function openForWriting(
  file: string,
  { busyMs = BUSY_MS, isAlone = false, say = () => undefined }: SqliteOptions,
): Db {
  const db = connect(file, { timeout: busyMs })
  try {
    if (isAlone) db.pragma('locking_mode = EXCLUSIVE')
    db.pragma(`journal_mode = ${isAlone ? 'TRUNCATE' : 'WAL'}`)
    db.pragma(`synchronous = ${isAlone ? 'FULL' : 'NORMAL'}`)
    db.pragma('wal_autocheckpoint = 0')
    db.pragma('foreign_keys = ON')
    // 2 MB, not the 16 of better-sqlite3: what is written next lies together, and all else is read once.
    db.pragma('cache_size = -2000')
    ensureSchema(db, say)
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

/** A file on a network disk is for one process alone: those of several machines would damage it. */
function checkDisk(results: string, { isAlone = false, networkOf = networkFileSystem }: SqliteOptions): void {
  const network = networkOf(ensureDir(results))
  if (network === undefined || isAlone) return
  throw new TuneError(
    'results/unwritable',
    `${results} is on a network file system (${network}), which SQLite cannot share`,
    {
      hint: 'choose a local disk by --results DIR and copy the directory afterwards; or pass --exclusive, and let nothing else open it meanwhile',
    },
  )
}
