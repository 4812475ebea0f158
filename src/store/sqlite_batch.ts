import { isTuneError } from '../errors.ts'
import type { Db } from './db.ts'
import { guarded } from './sqlite_errors.ts'
import { whenFree } from './when_free.ts'

/** The writes of one connection, in the order of the calls: those that may wait a moment, and those that may not. */
export interface Batch {
  /**
   * Does a write: at once, unless they come in floods or another program writes just then. Then it is done with those that
   * follow it within a tenth of a second, which are lost with the process.
   */
  soon(write: () => void): void
  /** Does a write and all before it, in one transaction: whatever becomes of the process, it has happened. */
  now<T>(write: () => T): T
  /** Does all that waits. */
  flush(): void
  /** The same at the end, where nobody can be told any more that it failed. */
  end(): void
}

/** A transaction costs a tenth of a millisecond, a row of it a hundredth: more than so many writes in so long are a flood. */
const FLOOD = 20
const PAUSE_MS = 100
/** Rows that a transaction may take: a few milliseconds' worth. */
const MOST = 200
/** Rows that wait for another program; after that, all else waits for it. */
const MOST_WAITING = 20_000

export interface BatchOptions {
  /** How long to wait for another program that writes. */
  readonly waitMs: number
  /** Is told after each transaction. */
  readonly onCommit: () => void
}

/** A write that fails has not happened, nor has any that it took along. */
export function createBatch(db: Db, { waitMs, onCommit }: BatchOptions): Batch {
  let waiting: (() => void)[] = []
  let timer: NodeJS.Timeout | undefined
  // When the last count began, and how many writes were done at once since.
  let [countedFrom, count] = [-Infinity, 0]

  const commit = <T>(write: () => T, patienceMs: number): T => {
    const all = () => {
      for (const one of waiting) one()
      return write()
    }
    const result = guarded(db.name, () => whenFree(() => db.transaction(all).immediate(), patienceMs))
    waiting = []
    clearTimeout(timer)
    timer = undefined
    onCommit()
    return result
  }
  const flush = () => {
    if (waiting.length > 0) commit(() => undefined, waitMs)
  }
  // What cannot be written now still waits: whoever writes next is told why it could not.
  const flushLater = () => {
    timer = undefined
    if (isDone(() => waiting.length === 0 || commit(() => true, 0))) return
    timer = setTimeout(flushLater, PAUSE_MS)
  }

  const isFlood = (): boolean => {
    const now = performance.now()
    if (now - countedFrom >= PAUSE_MS) [countedFrom, count] = [now, 0]
    return ++count > FLOOD
  }

  return {
    soon: (write) => {
      const isDue = !isFlood() || waiting.length >= MOST
      const patienceMs = waiting.length >= MOST_WAITING ? waitMs : 0
      if (isDue && isWritten(() => commit(write, patienceMs), patienceMs)) return
      waiting.push(write)
      timer ??= setTimeout(flushLater, PAUSE_MS)
    },
    now: (write) => commit(write, waitMs),
    flush,
    end: () => {
      clearTimeout(timer)
      isDone(flush)
    },
  }
}

/** Whether something was written; not where another program writes just then and nobody is to wait for it. */
function isWritten(write: () => void, patienceMs: number): boolean {
  try {
    write()
    return true
  } catch (error) {
    if (patienceMs === 0 && isTuneError(error) && error.code === 'store/locked') return false
    throw error
  }
}

/** Whether something could be done, where nobody can be told that it could not. */
function isDone(run: () => void): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (isTuneError(error)) return false
    throw error
  }
}
