import type { Failure, TrialCode } from '../trial.ts'
import { eachRow, rowsOf, valueOf, type Db } from './db.ts'
import { isDevice } from './shapes.ts'
import { parsed } from './sqlite_json.ts'
import type { Attempt } from './store.ts'

/** How attempts failed after which their trials were run again, or are to be, by the ids of the trials' rows. */
export function readFailures(db: Db, studyId: number): ReadonlyMap<number, readonly Failure[]> {
  const failures = new Map<number, Failure[]>()
  if (!hasAttempts(db)) return failures
  const sql = `
    SELECT trial_id AS id, how AS code, coalesce(why, '') AS message
    FROM tune_attempts JOIN tune_trials AS o USING (trial_id) JOIN trials USING (trial_id)
    WHERE study_id = ? AND how GLOB 'trial/*' AND (attempt < o.attempts OR state = 'WAITING') ORDER BY trial_id, attempt
  `
  for (const { id, code, message } of eachRow<{ id: number; code: TrialCode; message: string }>(db, sql, studyId)) {
    failures.set(id, [...(failures.get(id) ?? []), { code, message }])
  }
  return failures
}

/** All attempts of a trial, in their order. */
export function readAttempts(db: Db, study: string, trial: number): readonly Attempt[] {
  if (!hasAttempts(db)) return []
  const sql = `
    SELECT device_json, host, started_at AS startedAt, ended_at AS endedAt, how, why
    FROM tune_attempts JOIN trials USING (trial_id) JOIN studies USING (study_id)
    WHERE study_name = ? AND number = ? ORDER BY attempt
  `
  return rowsOf<AttemptRow>(db, sql, study, trial).map(({ device_json, ...attempt }) => ({
    ...attempt,
    device: parsed(db, device_json, isDevice),
  }))
}

type AttemptRow = Omit<Attempt, 'device'> & { readonly device_json: string }

/** A file of an older version has none, and one that is only read stays so. */
function hasAttempts(db: Db): boolean {
  return valueOf(db, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'tune_attempts')`) === 1
}
