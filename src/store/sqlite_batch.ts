import { isTuneError } from '../errors.ts'
import type { Db } from './db.ts'
import { guarded } from './sqlite_errors.ts'

/** The writes of one connection, in the order of the calls: those that may wait a moment, and those that may not. */
export interface Batch {
  /**
   * Does a write: at once where there has been none of these for a while, with those that follow it where they come in
   * floods. Then the last of them are lost with the process.
   */
  soon(write: () => void): void
  /** Does a write and all before it, in one transaction: whatever becomes of the process, it has happened. */
  now<T>(write: () => T): T
  /** Does all that waits. */
  flush(): void
  /** The same at the end, where nobody can be told any more that it failed. */
  end(): void
}

/** A transaction costs a tenth of a millisecond, a row of it a hundredth. */
const PAUSE_MS = 100
/** Rows that a transaction may take: some milliseconds' worth. */
const MOST = 200

/** `onCommit` is told after each transaction. A write that fails has not happened, nor has any that it took along. */
export function createBatch(db: Db, onCommit: () => void): Batch {
  let waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  let flushedAt = -Infinity

  const now = <T>(write: () => T): T => {
    const result = guarded(db.name, () => {
      const all = db.transaction(() => {
        for (const one of waiting) one()
        return write()
      })
      return all.immediate()
    })
    waiting = []
    flushedAt = performance.now()
    clearTimeout(timer)
    timer = undefined
    onCommit()
    return result
  }
  const flush = () => {
    if (waiting.length > 0) now(() => undefined)
  }
  // What cannot be written now still waits: whoever writes next is told why it could not.
  const tryFlush = () => {
    clearTimeout(timer)
    timer = undefined
    try {
      flush()
    } catch (error) {
      if (!isTuneError(error)) throw error
    }
  }

  return {
    soon: (write) => {
      if (waiting.length >= MOST || performance.now() - flushedAt >= PAUSE_MS) return now(write)
      waiting.push(write)
      timer ??= setTimeout(tryFlush, PAUSE_MS)
    },
    now,
    flush,
    end: tryFlush,
  }
}
