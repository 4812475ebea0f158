import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs'
import { messageOf, TuneError } from '../errors.ts'

/** Brings to the disk what was committed to a database, so that a power cut cannot undo it. */
export interface WalSync {
  /** Does so beside the event loop, as soon as the disk is free. Throws where it could not be done before. */
  request(): void
  /** Does so now, and closes the file. */
  close(): void
}

/**
 * A commit is with the system when it returns: a process that is killed loses nothing. Only a power cut needs the disk,
 * which takes milliseconds an answer (4 on a cloud disk, 20 at times); so it is asked beside the event loop, once for all
 * commits since it was asked last. Whoever reads a result off the screen at that moment could see it undone, never in
 * part. SQLite has no locks on its write-ahead log, so that to open it here a second time takes none away.
 */
export function createWalSync(file: string): WalSync {
  let fd: number | undefined
  let isSyncing = false
  let isAsked = false
  let isClosed = false
  let failure: TuneError | undefined

  const sync = (opened: number) => {
    isAsked = false
    isSyncing = true
    fdatasync(opened, (error) => {
      isSyncing = false
      if (error) failure = unsynced(file, error)
      if (isClosed) closeSync(opened)
      else if (isAsked) sync(opened)
    })
  }
  return {
    request: () => {
      if (failure) throw failure
      isAsked = true
      fd ??= openSync(`${file}-wal`, 'r+')
      if (!isSyncing) sync(fd)
    },
    close: () => {
      isClosed = true
      if (fd === undefined) return
      if (isAsked || isSyncing) fdatasyncSync(fd)
      if (!isSyncing) closeSync(fd)
    },
  }
}

function unsynced(file: string, cause: Error): TuneError {
  return new TuneError('results/unwritable', `${file} does not reach its disk: ${messageOf(cause)}`, {
    hint: 'look at that disk; the same command continues, here or by --results DIR with a copy of the directory',
    cause,
  })
}
