import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { TuneError } from '../errors.ts'
import { ensureDir, lockFile } from '../results.ts'
import type { Connect, Db } from './db.ts'
import { guarded, storeError } from './sqlite_errors.ts'

/** How long a driver waits for someone who only looks at its lock. */
const PATIENCE_MS = 1000

/**
 * Takes a study for this process: an exclusive transaction on a file of its own, which the kernel ends with the process,
 * however that ends. Closing the connection gives it back. Nothing but SQLite may open that file in this process: POSIX
 * drops a process's locks on a file when any of its handles is closed.
 */
export function lockStudy(connect: Connect, results: string, study: string): Db {
  const file = lockFile(results, study)
  ensureDir(dirname(file))
  const lock = guarded(file, () => connect(file, { timeout: PATIENCE_MS }))
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    const known = storeError(file, error)
    if (known?.code !== 'store/locked') throw known ?? error
    throw new TuneError('store/locked', `study '${study}' is being run by another process`, {
      hint: `wait for it or stop it; 'tune status' shows how far it is, and --name ${study}-2 starts another study`,
      cause: error,
    })
  }
}

/** Whether a process holds the study. */
export function isLocked(connect: Connect, results: string, study: string): boolean {
  const file = lockFile(results, study)
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
