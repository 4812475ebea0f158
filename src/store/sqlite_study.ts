import type { Clock } from '../clock.ts'
import { hasEnded, type Trial } from '../trial.ts'
import { checkUnchanged } from './changes.ts'
import { valueOf, type Db } from './db.ts'
import { createLedger } from './ledger.ts'
import type { Batch } from './sqlite_batch.ts'
import { guarded } from './sqlite_errors.ts'
import { readForeignTrials } from './sqlite_foreign.ts'
import { isOurs, readRecord, readTrials, type StoredTrial } from './sqlite_read.ts'
import { insertEvent, insertStudy, interruptRunning, trialWriter, updateStudy } from './sqlite_write.ts'
import type { StudyRecord, StudyStore } from './store.ts'
import { whenFree } from './when_free.ts'

/** How long to wait for a program that mends the log after one that died. */
const PATIENCE_MS = 5000

export interface StudyOptions {
  readonly acceptCodeChange: boolean
  readonly clock: Clock
}

/** Opens one study of a file for writing. Its trials are read once; from then on memory and file change together. */
export function openStudy(db: Db, batch: Batch, record: StudyRecord, options: StudyOptions): StudyStore {
  const { clock } = options
  const { studyId, stored } = batch.now(() => admit(db, record, options))
  const trials = stored.map(({ trial }) => trial)
  const ledger = createLedger(record, trials)
  const write = trialWriter(db, studyId, record)
  const shared = sharedTrials(db, studyId, record, stored)
  let nextNumber = write.nextNumber()

  // Another program may add trials meanwhile, or take those that wait.
  const takeForeign = () => {
    const changes = shared.changes()
    if (!changes) return
    nextNumber = write.nextNumber()
    for (const number of changes.gone) ledger.drop(number)
    for (const trial of changes.present) ledger.put(trial)
  }

  return {
    history: () => {
      guarded(db.name, () => whenFree(takeForeign, PATIENCE_MS))
      return ledger.history()
    },
    start: (start) => {
      const trial = batch.now(() => {
        takeForeign()
        const started = ledger.started(start.number ?? nextNumber, start)
        if (start.number === undefined) shared.add(started, write.insert(started, clock.now()))
        else if (shared.isForeign(start.number)) write.claim(shared.idOf(start.number), started, clock.now())
        else write.restart(shared.idOf(start.number), started, clock.now())
        return started
      })
      nextNumber = Math.max(nextNumber, trial.number + 1)
      shared.own(trial)
      return ledger.put(trial)
    },
    report: (number, report) => {
      const trial = ledger.reported(number, report)
      batch.soon(() => write.report(shared.idOf(number), report))
      return ledger.put(trial)
    },
    finish: (number, outcome, seconds) => {
      const trial = ledger.finished(number, outcome, seconds)
      batch.now(() => write.finish(shared.idOf(number), trial, outcome, clock.now()))
      shared.own(trial)
      return ledger.put(trial)
    },
  }
}

/** What we know of the trials that other programs share with us: theirs, and those of ours that wait for anyone. */
interface SharedTrials {
  /** What others have changed since this was asked last; undefined where nobody has written. */
  changes(): { readonly gone: readonly number[]; readonly present: readonly Trial[] } | undefined
  idOf(number: number): number
  isForeign(number: number): boolean
  /** Another trial of ours, and its row. */
  add(trial: Trial, id: number): void
  /** One that is ours now, as we have changed it. */
  own(trial: Trial): void
}

function sharedTrials(db: Db, studyId: number, record: StudyRecord, stored: readonly StoredTrial[]): SharedTrials {
  const ids = new Map<number, number>()
  // Trials that wait, by whose they are, and rows of others that will not change any more.
  const [enqueued, interrupted, ended] = [new Set<number>(), new Set<number>(), new Set<number>()]
  for (const { id, trial, isForeign = false } of stored) {
    ids.set(trial.number, id)
    if (isForeign && hasEnded(trial)) ended.add(id)
    else if (isForeign) enqueued.add(trial.number)
    else if (isInterrupted(trial)) interrupted.add(trial.number)
  }
  let version = db.pragma('data_version')
  let from = 0

  const idOf = (number: number): number => {
    const id = ids.get(number)
    if (id === undefined) throw new Error(`there is no trial ${number}`)
    return id
  }
  return {
    idOf,
    isForeign: (number) => enqueued.has(number),
    changes: () => {
      const now = db.pragma('data_version')
      if (now === version) return undefined
      const taken = [...interrupted].filter((number) => !isOurs(db, idOf(number)))
      const gone = [...enqueued, ...taken]
      // Of those that were ours, no row was looked at before.
      from = Math.min(from, ...taken.map(idOf))
      const found = readForeignTrials(db, studyId, record, { from, known: ended })
      from = found.from
      enqueued.clear()
      for (const number of taken) interrupted.delete(number)
      for (const { id, trial } of found.trials) {
        ids.set(trial.number, id)
        if (hasEnded(trial)) ended.add(id)
        else enqueued.add(trial.number)
      }
      version = now
      return { gone, present: found.trials.map(({ trial }) => trial) }
    },
    add: ({ number }, id) => void ids.set(number, id),
    own: (trial) => {
      enqueued.delete(trial.number)
      if (isInterrupted(trial)) interrupted.add(trial.number)
      else interrupted.delete(trial.number)
    },
  }
}

function isInterrupted({ outcome }: Trial): boolean {
  return outcome.state === 'interrupted'
}

/** Finds or creates the study, and takes over what a dead driver left. Runs within one transaction. */
function admit(
  db: Db,
  record: StudyRecord,
  { acceptCodeChange, clock }: StudyOptions,
): { readonly studyId: number; readonly stored: readonly StoredTrial[] } {
  const found = readRecord(db, record.name)
  if (!found) return { studyId: insertStudy(db, record, clock.now()), stored: [] }
  const hasTrials = valueOf(db, 'SELECT EXISTS (SELECT 1 FROM trials WHERE study_id = ?)', found.id)
  const changes = hasTrials ? checkUnchanged(found.record, record, { acceptCodeChange }) : []
  if (changes.length > 0) insertEvent(db, record.name, { kind: 'space-changed', changes }, clock.now())
  if (hasTrials && found.record.codeHash !== record.codeHash) {
    const event = { kind: 'code-changed', was: found.record.codeHash, is: record.codeHash }
    insertEvent(db, record.name, event, clock.now())
  }
  updateStudy(db, found.id, record)
  interruptRunning(db, found.id)
  return { studyId: found.id, stored: readTrials(db, found.id, record) }
}
