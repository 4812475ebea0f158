import { TuneError } from '../errors.ts'
import { encodeSpace, fitParams, leaves, type Params } from '../space.ts'
import { checkUnchanged } from './changes.ts'
import type { Db } from './db.ts'
import { spaceOf } from './space_of.ts'
import { readRecord, readTrials } from './sqlite_read.ts'
import { insertStudy } from './sqlite_write.ts'
import type { StudyRecord } from './store.ts'

/**
 * Lets a trial wait in Optuna's form, so that Optuna may take it too; its number. A study without trials gets its baseline
 * first. Throws where a trial has tried these params already, or waits to. Runs within one transaction.
 */
export function enqueue(db: Db, record: StudyRecord, params: Params, at: number): number {
  const space = spaceOf(record.space)
  const found = readRecord(db, record.name)
  const id = found?.id ?? insertStudy(db, record, at)
  const trials = readTrials(db, id, record).map(({ trial }) => trial)
  if (found && trials.length > 0) checkUnchanged(found.record, record, { acceptCodeChange: true })
  const point = encodeSpace(space, params)
  const same = trials.find((trial) => trial.point.length > 0 && point.every((x, d) => Object.is(x, trial.point[d])))
  if (same) {
    const what = same.outcome.state === 'interrupted' ? 'waits to try' : 'has tried'
    throw new TuneError('usage', `trial ${same.number} of '${record.name}' ${what} this already`, {
      hint: 'tune recheck runs a configuration again, with new seeds',
    })
  }
  const baseline = fitParams(record.space, {})
  if (trials.length === 0) insertWaiting(db, id, record, baseline)
  const isBaseline = trials.length === 0 && point.every((x, d) => Object.is(x, encodeSpace(space, baseline)[d]))
  return isBaseline ? 0 : insertWaiting(db, id, record, params)
}

function insertWaiting(db: Db, studyId: number, record: StudyRecord, params: Params): number {
  const number = Number(db.prepare('SELECT count(*) FROM trials WHERE study_id = ?').pluck().get(studyId))
  const { lastInsertRowid } = db
    .prepare(`INSERT INTO trials (number, study_id, state) VALUES (?, ?, 'WAITING')`)
    .run(number, studyId)
  const fixed = leaves(record.space, params).flatMap(({ name, value, active }) => (active ? [[name, value]] : []))
  db.prepare(`INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (?, 'fixed_params', ?)`).run(
    Number(lastInsertRowid),
    JSON.stringify(Object.fromEntries(fixed)),
  )
  return number
}
