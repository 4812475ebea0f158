import { existsSync, statSync } from 'node:fs'
import { isTuneError } from '../errors.ts'
import { lockFile, studiesFile, workersDir } from '../results.ts'
import type { Db } from './db.ts'
import { abandonedIn, damageOf, isOfIndex, type Abandoned } from './health.ts'
import { takeLock } from './kernel_lock.ts'
import { guarded } from './sqlite_errors.ts'
import { readRecord } from './sqlite_read.ts'
import { openForWriting } from './sqlite.ts'
import { interruptRunning } from './sqlite_write.ts'
import { endOrphans } from './worker_locks.ts'

/**
 * Mends what can be mended without losing anything: indexes are made again, trials that a dead driver left running wait to
 * go on, its processes are ended, and the log is moved into the database. What was done, a sentence each.
 */
export function mendStore(results: string): readonly string[] {
  const file = studiesFile(results)
  if (!existsSync(file)) return []
  const said: string[] = []
  try {
    const log = logBytes(file)
    const db = guarded(file, () => openForWriting(file, { say: (message) => said.push(message) }))
    try {
      said.push(...guarded(file, () => [...mendIndexes(db), ...mendStudies(db, results)]))
    } finally {
      db.close()
    }
    if (log > 0 && logBytes(file) === 0) said.push(`moved the log into the database: ${(log / 1e6).toFixed(1)} MB`)
  } catch (error) {
    // What stays wrong is said by `examineStore`.
    if (!isTuneError(error)) throw error
  }
  return said
}

function logBytes(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
}

function mendIndexes(db: Db): readonly string[] {
  const damage = damageOf(db)
  if (damage.length === 0 || !damage.every(isOfIndex)) return []
  db.exec('REINDEX')
  return [`made the indexes again: ${damage[0]}`]
}

function mendStudies(db: Db, results: string): readonly string[] {
  return abandonedIn(db, results).flatMap((left) => mendStudy(db, results, left))
}

/** Whoever starts the study meanwhile does the same. */
function mendStudy(db: Db, results: string, { study, running, workers }: Abandoned): readonly string[] {
  const lock = takeLock(lockFile(results, study))
  const id = readRecord(db, study)?.id
  if (!lock || id === undefined) return []
  try {
    endOrphans(workersDir(results, study))
    db.transaction(() => interruptRunning(db, id)).immediate()
    return [`'${study}': ${running} trials wait to go on, ${workers} processes were ended`]
  } finally {
    lock.close()
  }
}
