import { TuneError } from '../errors.ts'
import { rowsOf, type Db } from './db.ts'

/**
 * Throws where a database that is not trusted has not these tables with these columns, or has something else under their
 * names: a view, a virtual table or a computed column runs what its author wrote when it is read.
 */
export function checkPlainTables(db: Db, tables: Readonly<Record<string, readonly string[]>>): void {
  for (const [table, columns] of Object.entries(tables)) {
    const found = rowsOf<{ type: string; rootpage: number }>(db, `SELECT type, rootpage FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')`, table) // prettier-ignore
    const isPlain = found.length === 1 && found[0]?.type === 'table' && found[0].rootpage > 0
    if (found.length > 0 && !isPlain) throw odd(db, `'${table}' is no plain table`)
    const there = isPlain ? columnsOf(db, table) : []
    const missing = columns.find((column) => !there.includes(column))
    if (missing !== undefined) throw odd(db, isPlain ? `'${table}' has no plain column '${missing}'` : `it has no table '${table}'`) // prettier-ignore
  }
}

/** The columns of a table that are stored, not computed. */
export function columnsOf(db: Db, table: string): readonly string[] {
  const sql = 'SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0 LIMIT 1000'
  return rowsOf<{ name: string }>(db, sql, table).map(({ name }) => name)
}

function odd({ name }: Db, what: string): TuneError {
  return new TuneError('data/invalid', `${name} is not of Optuna: ${what}`, {
    hint: 'give the SQLite file that Optuna wrote, of 2.4 or newer',
  })
}
