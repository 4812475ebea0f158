import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { ensureDir } from '../results.ts'
import { connect } from './connect.ts'
import { guarded, storeError } from './sqlite_errors.ts'

/** A lock that this process holds until it gives it back or ends. */
export interface KernelLock {
  close(): void
}

/**
 * Takes a lock: an exclusive transaction on a file of its own, which the kernel ends with the process, however that ends.
 * So whoever can take it knows that the last holder is gone, and no clock has to say so. Undefined where another process
 * holds it, after waiting for one that only looks. Nothing but SQLite may open that file in this process: POSIX drops a
 * process's locks on a file when any of its handles is closed.
 */
export function takeLock(file: string, waitMs = 1000): KernelLock | undefined {
  ensureDir(dirname(file))
  const lock = guarded(file, () => connect(file, { timeout: waitMs }))
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return { close: () => void lock.close() }
  } catch (error) {
    lock.close()
    const known = storeError(file, error)
    if (known?.code === 'store/locked') return undefined
    throw known ?? error
  }
}

/** Whether any process holds a lock. */
export function isHeld(file: string): boolean {
  if (!existsSync(file)) return false
  try {
    const lock = connect(file, { readonly: true, timeout: 0 })
    try {
      lock.prepare('SELECT count(*) FROM sqlite_master').get()
      return false
    } finally {
      lock.close()
    }
  } catch (error) {
    return storeError(file, error)?.code === 'store/locked'
  }
}
