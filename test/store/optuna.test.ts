import Database from 'better-sqlite3'
import { seedFor } from '../../src/rng.ts'
import { describe, expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { choice, int, logint, loguniform, oneOf, ordinal, spaceSpec, uniform, type Params } from '../../src/space.ts'
import { distributionJson } from '../../src/store/optuna.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { StudyStore, StudyRecord } from '../../src/store/store.ts'
import type { Goal, Outcome } from '../../src/trial.ts'
import { record, start, tickingClock } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

const pq: Goal = { direction: 'maximize', metric: 'pq' }
const ms: Goal = { direction: 'minimize', metric: 'ms' }

/** The rows that a query finds after a study was written and closed. */
function rowsAfter(
  write: (study: StudyStore) => void,
  sql: string,
  change: Partial<StudyRecord> = {},
): readonly unknown[] {
  const dir = temporaryDir()
  const store = openSqliteStore(dir, { clock: tickingClock() })
  write(store.open({ ...record, ...change }))
  store.close()
  return query(dir, sql)
}

function query(dir: string, sql: string): readonly unknown[] {
  const db = new Database(studiesFile(dir), { readonly: true })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

/** Runs a trial of the given curve to its end. */
function trial(
  study: StudyStore,
  curve: readonly Record<string, number>[],
  outcome: Exclude<Outcome, { state: 'running' }>,
): void {
  const { number } = study.start(start)
  for (const [i, metrics] of curve.entries()) study.report(number, { step: i + 1, metrics, at: 5 })
  study.finish(number, outcome)
}

describe('distributions', () => {
  test.each([
    [uniform(-5, 5), '{"name":"FloatDistribution","attributes":{"step":null,"low":-5,"high":5,"log":false}}'],
    [
      loguniform(1e-5, 0.1),
      '{"name":"FloatDistribution","attributes":{"step":null,"low":0.00001,"high":0.1,"log":true}}',
    ],
    [
      uniform(0, 1, { step: 0.25 }),
      '{"name":"FloatDistribution","attributes":{"step":0.25,"low":0,"high":1,"log":false}}',
    ],
    [int(1, 9, { step: 2 }), '{"name":"IntDistribution","attributes":{"log":false,"step":2,"low":1,"high":9}}'],
    [int(1, 9), '{"name":"IntDistribution","attributes":{"log":false,"step":1,"low":1,"high":9}}'],
    [logint(1, 9), '{"name":"IntDistribution","attributes":{"log":true,"step":1,"low":1,"high":9}}'],
    [
      choice('a', null, true, 3, 2.5),
      '{"name":"CategoricalDistribution","attributes":{"choices":["a",null,true,3,2.5]}}',
    ],
    [ordinal(16, 32), '{"name":"CategoricalDistribution","attributes":{"choices":[16,32]}}'],
  ])('of %j are written as Optuna reads them', ({ spec }, json) => {
    if (spec.kind === 'oneOf') throw new Error('a leaf is needed')
    expect(distributionJson(spec)).toBe(json)
  })
})

describe("a study in Optuna's tables", () => {
  test('has the stamp of the schema, its directions and the names of its metrics', () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    store.open({ ...record, goals: [pq, ms] })
    store.close()
    expect(query(dir, 'SELECT * FROM alembic_version')).toEqual([{ version_num: 'v3.2.0.a' }])
    expect(query(dir, 'SELECT * FROM version_info')).toEqual([
      { version_info_id: 1, schema_version: 12, library_version: 'panoptune' },
    ])
    expect(query(dir, 'SELECT direction, objective FROM study_directions ORDER BY objective')).toEqual([
      { direction: 'MAXIMIZE', objective: 0 },
      { direction: 'MINIMIZE', objective: 1 },
    ])
    expect(query(dir, 'SELECT key, value_json FROM study_system_attributes')).toEqual([
      { key: 'study:metric_names', value_json: '["pq","ms"]' },
    ])
    expect(query(dir, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
    expect(query(dir, 'PRAGMA foreign_key_check')).toEqual([])
  })

  test('has a row for every active parameter: numbers as they are, options by their index', () => {
    const space = {
      lr: loguniform(1e-4, 1),
      depth: int(1, 4),
      schedule: oneOf({ poly: { power: uniform(0.5, 2) }, step: { at: int(1, 3), factor: ordinal(0.1, 0.5) } }),
      mirror: choice(true, false),
    }
    const params: Params = { lr: 0.3, depth: 3, schedule: { kind: 'step', at: 2, factor: 0.5 }, mirror: false }
    const rows = rowsAfter(
      (study) => study.start({ ...start, params }),
      `SELECT param_name AS name, param_value AS value, typeof(param_value) AS type FROM trial_params ORDER BY param_id`,
      { space: spaceSpec(space) },
    )
    expect(rows).toEqual([
      { name: 'lr', value: 0.3, type: 'real' },
      { name: 'depth', value: 3, type: 'real' },
      { name: 'schedule', value: 1, type: 'real' },
      { name: 'schedule.step.at', value: 2, type: 'real' },
      { name: 'schedule.step.factor', value: 1, type: 'real' },
      { name: 'mirror', value: 1, type: 'real' },
    ])
  })

  test('has states and UTC times as Optuna 5 writes them, and no time for a trial that waits', () => {
    const rows = rowsAfter((study) => {
      trial(study, [{ pq: 1 }], { state: 'complete' })
      trial(study, [{ pq: 1 }], { state: 'interrupted' })
      trial(study, [{ pq: 1 }], { state: 'pruned' })
      trial(study, [], { state: 'failed', code: 'trial/threw', message: 'no' })
      study.start(start)
    }, 'SELECT number, state, datetime_start AS start, datetime_complete AS complete FROM trials')
    expect(rows).toEqual([
      { number: 0, state: 'COMPLETE', start: '2026-01-31 23:59:59.007000', complete: '2026-02-01 00:00:00.007000' },
      { number: 1, state: 'WAITING', start: null, complete: null },
      { number: 2, state: 'PRUNED', start: '2026-02-01 00:00:03.007000', complete: '2026-02-01 00:00:04.007000' },
      { number: 3, state: 'FAIL', start: '2026-02-01 00:00:05.007000', complete: '2026-02-01 00:00:06.007000' },
      { number: 4, state: 'RUNNING', start: '2026-02-01 00:00:07.007000', complete: null },
    ])
  })

  test("has the first goal's metric at each step, whatever the number", () => {
    const curve = [{ pq: 0.5 }, { pq: Number.NaN }, { pq: Infinity }, { pq: -Infinity }]
    const sql = `SELECT step, intermediate_value AS value, intermediate_value_type AS type FROM trial_intermediate_values`
    expect(rowsAfter((study) => trial(study, curve, { state: 'pruned' }), sql)).toEqual([
      { step: 1, value: 0.5, type: 'FINITE' },
      { step: 2, value: null, type: 'NAN' },
      { step: 3, value: null, type: 'INF_POS' },
      { step: 4, value: null, type: 'INF_NEG' },
    ])
  })

  test('has the last values of a complete or pruned trial, one a goal, and none of a failed one', () => {
    const write = (study: StudyStore) => {
      trial(
        study,
        [
          { pq: 1, ms: 9 },
          { pq: 2, ms: Infinity },
        ],
        { state: 'complete' },
      )
      trial(study, [{ pq: 3, ms: 7 }], { state: 'pruned' })
      trial(study, [{ pq: 4, ms: 7 }], { state: 'failed', code: 'trial/lost', message: 'gone' })
      trial(study, [{ pq: Number.NaN, ms: 7 }], { state: 'pruned' })
    }
    const sql = `SELECT number, objective, value, value_type AS type FROM trial_values JOIN trials USING (trial_id)`
    expect(rowsAfter(write, sql, { goals: [pq, ms] })).toEqual([
      { number: 0, objective: 0, value: 2, type: 'FINITE' },
      { number: 0, objective: 1, value: null, type: 'INF_POS' },
      { number: 1, objective: 0, value: 3, type: 'FINITE' },
      { number: 1, objective: 1, value: 7, type: 'FINITE' },
    ])
  })
})

describe('trials that another program adds', () => {
  /** A study with one trial of ours, and a way for another program to write beside it. */
  function shared(): { readonly study: StudyStore; readonly dir: string; add(sql: string): void } {
    const dir = temporaryDir()
    const store = openSqliteStore(dir, { busyMs: 50 })
    onTestFinished(() => store.close())
    const study = store.open({ ...record, space: spaceSpec({ lr: loguniform(1e-4, 1), net: choice('a', 'b') }) })
    study.start({ ...start, params: { lr: 0.1, net: 'a' } })
    study.finish(0, { state: 'complete' })
    const add = (sql: string) => {
      const db = new Database(studiesFile(dir))
      db.exec(sql)
      db.close()
    }
    return { study, dir, add }
  }
  const float = `{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 1.0, "log": true}}`
  const categories = `{"name": "CategoricalDistribution", "attributes": {"choices": ["a", "b"]}}`
  const complete = (id: number, lr: number) => `
    INSERT INTO trials VALUES (${id}, ${id - 1}, 1, 'COMPLETE', '2026-01-01 10:00:00.000000', '2026-01-01 10:00:05.000000');
    INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (${id}, 'lr', ${lr}, '${float}'), (${id}, 'net', 1, '${categories}');
    INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) VALUES (${id}, 0, NULL, 'NAN'), (${id}, 1, 0.25, 'FINITE');
    INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (${id}, 0, 0.5, 'FINITE');
  `

  test('are in the history from the next start on, and keep their numbers', () => {
    const { study, add } = shared()
    add(complete(2, 0.01))
    expect(study.start({ ...start, params: { lr: 0.2, net: 'b' } }).number).toBe(2)
    expect(study.history().trials.map(({ number }) => number)).toEqual([0, 1, 2])
    expect(study.history().trials[1]).toMatchObject({
      params: { lr: 0.01, net: 'b' },
      reports: [
        { step: 1, metrics: { pq: Number.NaN } },
        { step: 2, metrics: { pq: 0.25 } },
        { step: 3, metrics: { pq: 0.5 } },
      ],
      outcome: { state: 'complete' },
    })
  })

  test('are left alone where they do not fit the space, run still, wait, or cannot be read', () => {
    const { study, dir, add } = shared()
    add(`
      ${complete(2, 99)}
      INSERT INTO trials VALUES (3, 2, 1, 'RUNNING', '2026-01-01 10:00:00.000000', NULL), (4, 3, 1, 'WAITING', NULL, NULL);
      INSERT INTO trials VALUES (5, 4, 1, 'FAIL', '2026-01-01 10:00:00.000000', '2026-01-01 10:00:00.000000');
      ${complete(6, 0.5)}
      UPDATE trial_params SET distribution_json = 'garbage' WHERE trial_id = 6;
    `)
    expect(study.start({ ...start, params: { lr: 0.2, net: 'b' } }).number).toBe(6)
    expect(study.history().trials.map(({ number }) => number)).toEqual([0, 6])
    const reader = openSqliteStore(dir)
    expect(reader.list()[0]?.history.trials.map(({ number }) => number)).toEqual([0, 6])
  })

  const waiting = (id: number, fixed: object) => `
    INSERT INTO trials VALUES (${id}, ${id - 1}, 1, 'WAITING', NULL, NULL);
    INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (${id}, 'fixed_params', '${JSON.stringify(fixed)}');
  `

  test('and enqueue wait for us, with defaults for what they leave open, and are ours once they start', () => {
    const { study, dir, add } = shared()
    add(waiting(2, { net: 'b' }) + waiting(3, { lr: 0.25 }) + waiting(4, { depth: 3, lr: 99 }))
    const [, first, second, ...others] = study.history().trials
    expect(first).toMatchObject({ number: 1, params: { lr: 0.01, net: 'b' }, reason: 'enqueued', outcome: { state: 'interrupted' } }) // prettier-ignore
    expect(first?.seed).toBe(seedFor(record.seed, 'trial', 1))
    expect([second?.params, ...others]).toEqual([{ lr: 0.25, net: 'a' }])
    expect(study.start({ ...start, number: 1, params: first?.params ?? {} })).toMatchObject({ number: 1, outcome: { state: 'running' } }) // prettier-ignore
    study.report(1, { step: 1, metrics: { pq: 1 }, at: 1 })
    study.finish(1, { state: 'complete' })
    expect(query(dir, 'SELECT state, (SELECT count(*) FROM trial_params p WHERE p.trial_id = t.trial_id) AS params FROM trials t WHERE number = 1')).toEqual([{ state: 'COMPLETE', params: 2 }]) // prettier-ignore
    expect(openSqliteStore(dir).list()[0]?.history.trials.map(({ outcome }) => outcome.state)).toEqual(['complete', 'complete', 'interrupted']) // prettier-ignore
  })

  test('and take themselves what they enqueued are left to them', () => {
    const { study, add } = shared()
    add(waiting(2, { lr: 0.25, net: 'b' }))
    expect(study.history().trials).toHaveLength(2)
    add(`UPDATE trials SET state = 'RUNNING', datetime_start = '2026-01-01 10:00:00.000000' WHERE trial_id = 2`)
    expect(study.history().trials).toHaveLength(1)
    expect(() => study.start({ ...start, number: 1 })).toThrow('trial 1 was taken by another program')
  })

  test('take what we keep of a study along when they delete it without our cascades', () => {
    const { study, dir, add } = shared()
    study.start({ ...start, params: { lr: 0.2, net: 'b' } })
    study.report(1, { step: 1, metrics: { pq: 1 }, at: 1 })
    add(`
      PRAGMA foreign_keys = OFF;
      DELETE FROM trial_values; DELETE FROM trial_intermediate_values; DELETE FROM trial_params; DELETE FROM trials;
      DELETE FROM study_directions; DELETE FROM study_system_attributes; DELETE FROM studies;
    `)
    const store = openSqliteStore(dir)
    onTestFinished(() => store.close())
    expect(store.open({ ...record, name: 'new' }).history().trials).toEqual([])
    expect(query(dir, 'SELECT * FROM tune_trials')).toEqual([])
    expect(query(dir, 'SELECT * FROM tune_reports')).toEqual([])
  })
})

test('a paused trial runs to Optuna, which must not take it up, and is pruned with its last report as value', () => {
  const sql = 'SELECT state, value FROM trials LEFT JOIN trial_values USING (trial_id)'
  const wait = (study: StudyStore) => trial(study, [{ pq: 0.2 }, { pq: 0.4 }], { state: 'paused' })
  expect(rowsAfter(wait, sql)).toEqual([{ state: 'RUNNING', value: null }])
  const giveUp = (study: StudyStore) => {
    wait(study)
    study.finish(0, { state: 'pruned' })
  }
  expect(rowsAfter(giveUp, sql)).toEqual([{ state: 'PRUNED', value: 0.4 }])
})
