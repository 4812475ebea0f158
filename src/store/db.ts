/** Opens a database file; `timeout` is how many milliseconds to wait for another process that has it to itself. */
export type Connect = (file: string, options: { readonly readonly?: boolean; readonly timeout: number }) => Db

/** What the store uses of a connection: it is better-sqlite3's, whose package `connect.ts` alone imports. */
export interface Db {
  readonly name: string
  exec(sql: string): unknown
  /** Sets `name = value`, or gives the value of a name. */
  pragma(source: string): unknown
  transaction<A extends unknown[], R>(run: (...args: A) => R): { immediate(...args: A): R }
  prepare(sql: string): Statement
  close(): unknown
}

interface Statement {
  run(...params: unknown[]): { readonly lastInsertRowid: number | bigint }
  get(...params: unknown[]): unknown
  all(...params: unknown[]): unknown[]
  iterate(...params: unknown[]): IterableIterator<unknown>
  /** Gives a row's first column instead of the row. */
  pluck(): Statement
  /** Gives a row's columns in their order instead of the row. */
  raw(): Statement
}

/** A row by the names of its columns. The query says which there are, so its caller says their types. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the one place where a row gets its type
export function rowsOf<Row>(db: Db, sql: string, ...params: readonly unknown[]): readonly Row[] {
  return db.prepare(sql).all(...params) as readonly Row[]
}

/**
 * The same, each row as its columns in their order: for as many as there are trials, it takes two thirds of the time. To take
 * a row apart by a pattern takes more than that again.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
export function tuplesOf<Row>(db: Db, sql: string, ...params: readonly unknown[]): readonly Row[] {
  return db
    .prepare(sql)
    .raw()
    .all(...params) as readonly Row[]
}

/** The same, row by row: for as many as there are trials. The connection can do nothing else meanwhile. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
export function eachRow<Row>(db: Db, sql: string, ...params: readonly unknown[]): Iterable<Row> {
  return db.prepare(sql).iterate(...params) as Iterable<Row>
}

/** The first column of the first row. */
export function valueOf(db: Db, sql: string, ...params: readonly unknown[]): unknown {
  return db
    .prepare(sql)
    .pluck()
    .get(...params)
}
