import { messageOf, TuneError } from '../errors.ts'

/** Does something with a database file; what its user can mend is said as a `TuneError`. */
export function guarded<T>(file: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw storeError(file, error) ?? error
  }
}

/** An error of SQLite as one of ours, or undefined where it is our bug. */
export function storeError(file: string, error: unknown): TuneError | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const found = KINDS.find(({ codes }) => codes.test(code))
  return (
    found && new TuneError(found.as, `${file} ${found.what}: ${messageOf(error)}`, { hint: found.hint, cause: error })
  )
}

/** By SQLite's result codes, extended ones included: https://www.sqlite.org/rescode.html */
const KINDS = [
  {
    codes: /^SQLITE_(BUSY|LOCKED)/,
    as: 'store/locked',
    what: 'is held by another process',
    hint: 'end the program that has it open, or wait until it is done',
  },
  {
    codes: /^SQLITE_(NOTADB|CORRUPT)/,
    as: 'store/invalid',
    what: 'is no database, or a damaged one',
    hint: 'move it away or restore a copy of it; or choose another directory by --results DIR',
  },
  {
    // Every statement of ours is sound where the tables are those that we made.
    codes: /^SQLITE_(ERROR|MISMATCH|TOOBIG)$/,
    as: 'store/invalid',
    what: 'has other tables than it should',
    hint: 'move it away or restore a copy of it; or choose another directory by --results DIR',
  },
  {
    codes: /^SQLITE_CONSTRAINT_FOREIGNKEY/,
    as: 'store/taken',
    what: 'has the study no longer, which another program deleted',
    hint: 'the same command starts it anew; or restore a copy of the file first',
  },
  {
    codes: /^SQLITE_FULL/,
    as: 'results/unwritable',
    what: 'cannot grow',
    hint: 'free some space on that disk; the trials stored so far are kept, and the same command continues',
  },
  {
    codes: /^SQLITE_(READONLY|CANTOPEN|IOERR|PERM|AUTH)/,
    as: 'results/unwritable',
    what: 'cannot be written',
    hint: 'look at its permissions and its disk; or choose another place by --results DIR',
  },
] as const
