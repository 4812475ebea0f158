import { hostname } from 'node:os'
import { leaves } from '../space.ts'
import type { Params } from '../space.ts'
import { describeConstraint, excessOf, type Outcome, type Report, type Trial } from '../trial.ts'
import type { Db } from './db.ts'
import { distributionJson, internalValue, OPTUNA_STATES, pythonNumber, typedValue } from './optuna.ts'
import { IS_OURS } from './sqlite_foreign.ts'
import { metricsJson } from './sqlite_read.ts'
import type { Store, StudyRecord } from './store.ts'

/** A time as Optuna 5 keeps it: UTC, to the microsecond, from milliseconds since 1970. */
const TIME = `strftime('%Y-%m-%d %H:%M:%f000', ? / 1000.0, 'unixepoch')`

/** Creates a study; its id. */
export function insertStudy(db: Db, record: StudyRecord, at: number): number {
  const id = Number(db.prepare('INSERT INTO studies (study_name) VALUES (?)').run(record.name).lastInsertRowid)
  db.prepare(`
    INSERT INTO tune_studies (study_id, goals_json, space_json, settings_json, seed, code_hash, created_at)
    VALUES (?, '', '', '', 0, '', ?)
  `).run(id, at)
  updateStudy(db, id, record)
  return id
}

/** Makes a study's row say what it is now: for one without trials, and after an accepted change of its code. */
export function updateStudy(db: Db, id: number, record: StudyRecord): void {
  const { goals, constraints, space, settings, seed, steps, codeHash } = record
  const json = [goals, constraints, space, settings].map((part) => JSON.stringify(part))
  db.prepare(`
    UPDATE tune_studies
    SET goals_json = ?, constraints_json = ?, space_json = ?, settings_json = ?, seed = ?, code_hash = ?, steps = ?
    WHERE study_id = ?
  `).run(...json, seed, codeHash, steps ?? 0, id)
  db.prepare('DELETE FROM study_directions WHERE study_id = ?').run(id)
  for (const [objective, { direction }] of goals.entries()) {
    db.prepare('INSERT INTO study_directions (direction, study_id, objective) VALUES (?, ?, ?)').run(
      direction.toUpperCase(),
      id,
      objective,
    )
  }
  db.prepare(`
    INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (?, 'study:metric_names', ?)
    ON CONFLICT (study_id, key) DO UPDATE SET value_json = excluded.value_json
  `).run(id, JSON.stringify(goals.map(({ metric }) => metric)))
}

/** Appends to a study's log. */
export function insertEvent(db: Db, study: string, event: Parameters<Store['log']>[1], at: number): void {
  db.prepare(`
    INSERT INTO tune_events (study_id, at, kind, event_json) SELECT study_id, ?, ?, ? FROM studies WHERE study_name = ?
  `).run(at, event.kind, JSON.stringify(event), study)
}

/** Trials of a driver that died wait to go on. */
export function interruptRunning(db: Db, studyId: number): void {
  db.prepare(`
    UPDATE tune_attempts SET how = 'interrupted', why = 'its driver ended'
    WHERE how IS NULL AND trial_id IN (SELECT trial_id FROM trials WHERE study_id = ?)
  `).run(studyId)
  db.prepare(`
    UPDATE trials AS t SET state = 'WAITING', datetime_start = NULL
    WHERE study_id = ? AND state = 'RUNNING' AND EXISTS (
      SELECT 1 FROM tune_trials AS o WHERE o.trial_id = t.trial_id AND paused_at IS NULL AND ${IS_OURS}
    )
  `).run(studyId)
}

/** How a study's trials are written, each call within one transaction. Statements are compiled once. */
export interface TrialWriter {
  /** The number of the next trial to Optuna: as many as there are. */
  nextNumber(): number
  /** Writes a new trial; the id of its row. */
  insert(trial: Trial, at: number): number
  /** Starts a trial that waited in Optuna's form. */
  claim(id: number, trial: Trial, at: number): void
  restart(id: number, trial: Trial, at: number): void
  report(id: number, report: Report): void
  /** `outcome` is that of the attempt: the trial's, and after which failure it goes on. */
  finish(id: number, trial: Trial, outcome: Outcome, at: number): void
}

export function trialWriter(db: Db, studyId: number, record: StudyRecord): TrialWriter {
  const count = db.prepare('SELECT count(*) FROM trials WHERE study_id = ?').pluck()
  const insertTrial = db.prepare(
    `INSERT INTO trials (number, study_id, state, datetime_start) VALUES (?, ?, 'RUNNING', ${TIME})`,
  )
  const insertOurs = db.prepare(`
    INSERT INTO tune_trials (trial_id, params_json, derived_json, seed, device_json, started_at, reason, from_number)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  `)
  const insertParam = db.prepare(
    'INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)',
  )
  const restartTrial = db.prepare(`UPDATE trials SET state = 'RUNNING', datetime_start = ${TIME} WHERE trial_id = ?`)
  const restartOurs = db.prepare(`
    UPDATE tune_trials
    SET attempts = attempts + 1, seed = ?, device_json = ?, started_at = ?, ended_at = NULL, paused_at = NULL
    WHERE trial_id = ?
  `)
  const insertAttempt = db.prepare(`
    INSERT INTO tune_attempts (trial_id, attempt, device_json, host, pid, started_at)
    SELECT trial_id, attempts, device_json, ?, ?, started_at FROM tune_trials WHERE trial_id = ?
  `)
  const endAttempt = db.prepare(`
    UPDATE tune_attempts SET ended_at = ?, how = ?, why = ?
    WHERE trial_id = ? AND attempt = (SELECT attempts FROM tune_trials t WHERE t.trial_id = ?) AND how IS NULL
  `)
  const host = hostname()
  const insertStep = db.prepare(`
    INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) VALUES (?, ?, ?, ?)
  `)
  const insertReport = db.prepare('INSERT INTO tune_reports (trial_id, step, metrics_json, at) VALUES (?, ?, ?, ?)')
  const insertValue = db.prepare(
    'INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, ?)',
  )
  const insertAttribute = db.prepare(
    'INSERT OR REPLACE INTO trial_system_attributes (trial_id, key, value_json) VALUES (?, ?, ?)',
  )
  const endTrial = db.prepare(`UPDATE trials SET state = ?, datetime_complete = ${TIME} WHERE trial_id = ?`)
  const releaseTrial = db.prepare(`UPDATE trials SET state = 'WAITING', datetime_start = NULL WHERE trial_id = ?`)
  const endOurs = db.prepare(
    'UPDATE tune_trials SET ended_at = ?, paused_at = NULL, failure_code = ?, failure_message = ?, seconds = ? WHERE trial_id = ?',
  )
  const pauseOurs = db.prepare('UPDATE tune_trials SET paused_at = ?, seconds = ? WHERE trial_id = ?')
  const distributions = new Map(leaves(record.space, {}).map(({ name, spec }) => [name, distributionJson(spec)]))

  const insertParts = (id: number, { params, derived, seed, device, reason, from }: Trial, at: number): void => {
    insertOurs.run(
      id,
      JSON.stringify(params),
      derived ? JSON.stringify(derived) : null,
      seed,
      JSON.stringify(device),
      at,
      reason ?? null,
      from ?? null,
    )
    for (const leaf of activeLeaves(record, params)) {
      insertParam.run(id, leaf.name, internalValue(leaf), distributions.get(leaf.name))
    }
    insertAttempt.run(host, process.pid, id)
  }

  return {
    nextNumber: () => Number(count.get(studyId)),
    insert: (trial, at) => {
      const id = Number(insertTrial.run(trial.number, studyId, at).lastInsertRowid)
      insertParts(id, trial, at)
      return id
    },
    claim: (id, trial, at) => {
      insertParts(id, trial, at)
      restartTrial.run(at, id)
    },
    restart: (id, { seed, device }, at) => {
      restartOurs.run(seed, JSON.stringify(device), at, id)
      insertAttempt.run(host, process.pid, id)
      restartTrial.run(at, id)
    },
    report: (id, { step, metrics, at }) => {
      const { value, type } = typedValue(metrics[record.goals[0]?.metric ?? ''] ?? Number.NaN)
      insertStep.run(id, step, value, type)
      insertReport.run(id, step, metricsJson(metrics), at)
    },
    finish: (id, trial, outcome, at) => {
      endAttempt.run(at, ...attemptEnd(outcome), id, id)
      if (trial.outcome.state === 'paused') return void pauseOurs.run(at, trial.seconds ?? null, id)
      for (const [objective, value] of finalValues(record, trial).entries()) {
        const typed = typedValue(value)
        insertValue.run(id, objective, typed.value, typed.type)
      }
      for (const constraint of trial.outcome.state === 'complete' ? record.constraints : []) {
        const excess = excessOf(constraint, trial.reports.at(-1)?.metrics)
        insertAttribute.run(id, `constraints:${describeConstraint(constraint)}`, pythonNumber(excess))
      }
      endOurs.run(at, ...failureOf(trial.outcome), trial.seconds ?? null, id)
      // Optuna lets no trial that waits have a start or an end.
      if (trial.outcome.state === 'interrupted') releaseTrial.run(id)
      else endTrial.run(OPTUNA_STATES[trial.outcome.state], at, id)
    },
  }
}

function activeLeaves(record: StudyRecord, params: Params): ReturnType<typeof leaves> {
  return leaves(record.space, params).filter(({ active }) => active)
}

/** Optuna's values of a trial: those of its last report, one a goal; none for one that failed, or where one is NaN. */
function finalValues({ goals }: StudyRecord, { outcome, reports }: Trial): readonly number[] {
  const last = reports.at(-1)
  if (!last || (outcome.state !== 'complete' && outcome.state !== 'pruned')) return []
  const values = goals.map(({ metric }) => last.metrics[metric] ?? Number.NaN)
  return values.some(Number.isNaN) ? [] : values
}

/** How an attempt ended, and why. */
function attemptEnd(outcome: Outcome): readonly [string, string | null] {
  const failure = outcome.state === 'failed' ? outcome : outcome.state === 'interrupted' ? outcome.after : undefined
  return failure ? [failure.code, failure.message] : [outcome.state, null]
}

function failureOf(outcome: Outcome): readonly [string | null, string | null] {
  return outcome.state === 'failed' ? [outcome.code, outcome.message] : [null, null]
}
