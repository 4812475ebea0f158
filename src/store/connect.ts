import Database from 'better-sqlite3'
import type { Connect } from './db.ts'

/**
 * Every connection and every statement there ever was. From Node 24.21 on, an object of an addon that is collected as
 * garbage may abort the process (node_object_wrap.h takes a hook off an environment that is not entered then), so none
 * is; a statement is prepared once for each text, which bounds how many there are.
 */
const kept: unknown[] = []

/** Opens a database file. */
export const connect: Connect = (file, options) => {
  const database = new Database(file, options)
  // What a file's author wrote into its schema may call no function that does more than compute.
  database.exec('PRAGMA trusted_schema = OFF')
  const statements = new Map<string, Database.Statement>()
  kept.push(database, statements)
  const prepare = (sql: string): Database.Statement => {
    const statement = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    name: database.name,
    exec: (sql) => database.exec(sql),
    prepare,
    // Setting one may happen when it is prepared, so that is done anew each time.
    pragma: (source) =>
      source.includes('=') ? database.exec(`PRAGMA ${source}`) : prepare(`PRAGMA ${source}`).pluck().get(),
    transaction: (run) => ({
      immediate: (...args) => {
        database.exec('BEGIN IMMEDIATE')
        try {
          const result = run(...args)
          database.exec('COMMIT')
          return result
        } catch (error) {
          // A full disk has rolled it back already.
          if (database.inTransaction) database.exec('ROLLBACK')
          throw error
        }
      },
    }),
    close: () => database.close(),
  }
}
