import { closeSync, fdatasync, fdatasyncSync, fstatSync, openSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { messageOf, TuneError } from '../errors.ts'

/** Looks after the write-ahead log of a database that this process writes, beside the event loop. */
export interface WalKeeper {
  /** To be told of each commit, which is then brought to the disk. Throws where that failed before. */
  committed(): void
  /** Brings the last commits to the disk, now. The database may be closed after it. */
  close(): void
}

/** Bytes of log that are worth to be moved into the database: as many as SQLite itself takes to be. */
const MOST_BYTES = 4 << 20
/** Between two times that it is moved. */
const PAUSE_MS = 1000
/** How long the end waits for the log to be moved. */
const PATIENCE_MS = 5000

/**
 * A commit is with the system when it returns: a process that is killed loses nothing. Only a power cut needs the disk,
 * which takes milliseconds an answer (4 on a cloud disk, 20 at times); so it is asked beside the event loop, once for all
 * commits since it was asked last. To move the log into the database takes longer still, and a thread of its own, which
 * starts with the first log that is long. SQLite has no locks on the log itself: opening it here takes none away.
 */
export function createWalKeeper(file: string): WalKeeper {
  const checkpointer = createCheckpointer(file)
  let log: number | undefined
  let isSyncing = false
  let isAsked = false
  let isClosed = false
  let failure: TuneError | undefined

  const sync = (opened: number) => {
    isAsked = false
    isSyncing = true
    fdatasync(opened, (error) => {
      isSyncing = false
      if (error) failure = unsynced(file, error)
      if (isClosed) return closeSync(opened)
      if (fstatSync(opened).size > MOST_BYTES) checkpointer.run()
      if (isAsked) sync(opened)
    })
  }
  return {
    committed: () => {
      if (failure) throw failure
      isAsked = true
      log ??= openSync(`${file}-wal`, 'r+')
      if (!isSyncing) sync(log)
    },
    close: () => {
      isClosed = true
      checkpointer.close()
      if (log === undefined) return
      if (isAsked || isSyncing) fdatasyncSync(log)
      if (!isSyncing) closeSync(log)
    },
  }
}

function unsynced(file: string, cause: Error): TuneError {
  return new TuneError('results/unwritable', `${file} does not reach its disk: ${messageOf(cause)}`, {
    hint: 'look at that disk; the same command continues, here or by --results DIR with a copy of the directory',
    cause,
  })
}

/** What the checkpointing thread is given: `busy` is 1 from when it is asked until it has done so. */
export interface CheckpointerData {
  readonly file: string
  readonly busy: Int32Array
}

function createCheckpointer(file: string): { run(): void; close(): void } {
  const busy = new Int32Array(new SharedArrayBuffer(4))
  let worker: Worker | undefined
  let ranAt = -Infinity
  let isBroken = false

  const startWorker = (): Worker => {
    const started = new Worker(workerFile, { workerData: { file, busy } satisfies CheckpointerData })
    // Without it the log grows, and is moved when the database is closed.
    started.on('error', () => {
      isBroken = true
      Atomics.store(busy, 0, 0)
    })
    started.unref()
    return started
  }
  const order = (what: 'move' | 'close') => {
    worker ??= startWorker()
    Atomics.store(busy, 0, 1)
    worker.postMessage(what, [])
  }
  return {
    run: () => {
      if (isBroken || performance.now() - ranAt < PAUSE_MS || Atomics.load(busy, 0) === 1) return
      ranAt = performance.now()
      order('move')
    },
    // Whoever closes a database last moves its log: that is not to be the thread, which nobody waits for.
    close: () => {
      if (!worker) return
      Atomics.wait(busy, 0, 1, PATIENCE_MS)
      if (!isBroken) order('close')
      Atomics.wait(busy, 0, 1, PATIENCE_MS)
      void worker.terminate()
    },
  }
}

/** Threads run JavaScript: from the sources, as the tests do, the built worker is taken. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/store/checkpoint_worker.js' : './checkpoint_worker.js',
  import.meta.url,
)
