import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { isTuneError } from '../errors.ts'
import type { Connect, Db } from './db.ts'
import { guarded } from './sqlite_errors.ts'
import { checkSchema } from './sqlite_schema.ts'

/** Reads a file that others may be writing; undefined where there is none. */
export function readFile<T>(connect: Connect, file: string, timeout: number, read: (db: Db) => T): T | undefined {
  if (!existsSync(file)) return undefined
  try {
    return guarded(file, () => reading(connect, file, timeout, read))
  } catch (error) {
    if (!isTuneError(error) || error.code !== 'results/unwritable') throw error
    return readCopy(connect, file, timeout, read)
  }
}

/** Even a reader of a WAL file writes an index beside it. Where it may not, it reads a copy. */
function readCopy<T>(connect: Connect, file: string, timeout: number, read: (db: Db) => T): T {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-'))
  try {
    for (const part of [file, `${file}-wal`]) if (existsSync(part)) copyFileSync(part, join(dir, basename(part)))
    return guarded(file, () => reading(connect, join(dir, basename(file)), timeout, read))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function reading<T>(connect: Connect, file: string, timeout: number, read: (db: Db) => T): T {
  const db = connect(file, { readonly: true, timeout })
  try {
    checkSchema(db)
    return read(db)
  } finally {
    db.close()
  }
}
