import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import type { Db } from './db.ts'

/** Copies a database beside itself before it is changed for good, as of one moment even while others write it. */
export function backUp(db: Db, schema: number): string {
  const copy = freeName(`${db.name}.bak-${schema}`)
  const draft = `${copy}.${process.pid}.tmp`
  rmSync(draft, { force: true })
  try {
    db.prepare('VACUUM INTO ?').run(draft)
    const file = openSync(draft, 'r+')
    fsyncSync(file)
    closeSync(file)
    renameSync(draft, copy)
  } finally {
    rmSync(draft, { force: true })
  }
  return copy
}

/** No copy takes the place of an earlier one. */
function freeName(name: string): string {
  if (!existsSync(name)) return name
  for (let n = 2; ; n++) if (!existsSync(`${name}-${n}`)) return `${name}-${n}`
}
