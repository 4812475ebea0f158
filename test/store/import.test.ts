import Database from 'better-sqlite3'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { choice, loguniform, oneOf, spaceSpec, uniform } from '../../src/space.ts'
import { importTrials, type ImportedTrial } from '../../src/store/import_trials.ts'
import { readOptunaFile, type OptunaStudy } from '../../src/store/optuna_file.ts'
import { spaceOfTrials } from '../../src/store/optuna_space.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { record } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

/** A file that Optuna 3.1.0 wrote, then changed. */
function optunaFile(change = ''): string {
  const file = join(temporaryDir(), 'old.db')
  const db = new Database(file)
  db.unsafeMode()
  db.exec(readFileSync(new URL('../fixtures/optuna_3_1.sql', import.meta.url), 'utf8'))
  db.exec(change)
  db.close()
  return file
}

/** All that is read of a file. */
function read(file: string, study?: string) {
  return readOptunaFile(file, study, async ({ trials, ...about }: OptunaStudy) => ({ ...about, trials: [...trials] }))
}

const refusedFile = (message: string | RegExp) =>
  expect.objectContaining({ code: 'data/invalid', message: expect.stringMatching(message) })

describe('a study of Optuna 3.1', () => {
  test('is read with its goals, values, curves and ends; what has not ended is refused', async () => {
    const { name, goals, trials } = await read(optunaFile())
    expect({ name, goals }).toEqual({ name: 'old', goals: [{ direction: 'maximize', metric: 'value' }] })
    expect(trials).toHaveLength(9)
    expect(trials[1]).toMatchObject({ name: 'trial 1', state: 'complete', reports: [[0], [0.003864291653552654], [0.007728583307105308], [0.003864291653552654]] }) // prettier-ignore
    const values = 'values' in trials[1]! ? [...trials[1].values].map(([key, { value }]) => [key, value]) : []
    expect(Object.fromEntries(values)).toEqual({ lr: 0.003864291653552654, n: 5, c: 3, u: 0.75 })
    expect(trials[2]).toMatchObject({
      reports: [[Number.NaN], expect.anything(), expect.anything(), expect.anything()],
    })
    expect(trials[3]).toMatchObject({ state: 'pruned' })
    expect(trials[4]).toMatchObject({ state: 'failed' })
    expect(trials[8]).toEqual({ name: 'trial 8', why: 'it has not ended' })
  })

  test('has the times of a wall clock here, and since version 5 those of UTC', async () => {
    const zone = process.env['TZ']
    process.env['TZ'] = 'America/New_York'
    onTestFinished(() => {
      if (zone === undefined) delete process.env['TZ']
      else process.env['TZ'] = zone
    })
    // Where threads do not see a change of the zone, both are the same, and the test says less.
    const offset = new Date(2026, 10, 21).getTimezoneOffset() * 60_000
    const utc = Date.UTC(2026, 10, 21, 17, 57, 49, 144)
    expect((await read(optunaFile())).trials[0]).toMatchObject({ startedAt: utc + offset })
    const newer = optunaFile(`UPDATE version_info SET library_version = '5.0.0'`)
    expect((await read(newer)).trials[0]).toMatchObject({ startedAt: utc })
  })

  test('is told from others of its file', async () => {
    const file = optunaFile(`INSERT INTO studies VALUES (2, 'other'); INSERT INTO study_directions VALUES (2, 'MINIMIZE', 2, 0)`) // prettier-ignore
    await expect(read(file)).rejects.toMatchObject({ code: 'study/unknown', hint: 'choose one by --study: old, other' })
    await expect(read(file, 'olt')).rejects.toMatchObject({ code: 'study/unknown' })
    expect(await read(file, 'other')).toMatchObject({ goals: [{ direction: 'minimize' }], trials: [] })
  })

  test('gives the space that it was drawn from, whose defaults are the first trial', async () => {
    const file = optunaFile()
    const specs = await readOptunaFile(file, undefined, async ({ trials }) => spaceOfTrials(trials))
    expect(specs).toMatchObject({
      lr: { kind: 'loguniform', low: 0.0001, high: 1, default: 0.004656804637919571 },
      n: { kind: 'int', low: 1, high: 9, step: 2, default: 7 },
      c: { kind: 'choice', choices: [null, 'a', true, 3, 2.5], default: null },
      u: { kind: 'uniform', low: 0, high: 1, step: 0.25, default: 0.25 },
    })
  })

  test.each([
    ['LogUniformDistribution', '{"low": 0.0001, "high": 1.0}', { kind: 'loguniform', low: 0.0001, high: 1 }],
    ['UniformDistribution', '{"low": 0.0001, "high": 1.0}', { kind: 'uniform', low: 0.0001, high: 1 }],
  ])('may have distributions of older versions: %s', async (kind, attributes, spec) => {
    const file = optunaFile(`UPDATE trial_params SET distribution_json = '{"name": "${kind}", "attributes": ${attributes}}' WHERE param_name = 'lr'`) // prettier-ignore
    expect((await readOptunaFile(file, undefined, async ({ trials }) => spaceOfTrials(trials))).lr).toMatchObject(spec)
  })

  test('keeps infinite results, before 3.0 too, and what Python writes bare', async () => {
    const file = optunaFile(`
      UPDATE trial_values SET value = NULL, value_type = 'INF_NEG' WHERE trial_id = 1;
      ALTER TABLE trial_intermediate_values RENAME COLUMN intermediate_value_type TO other;
      UPDATE trial_intermediate_values SET intermediate_value = 1.7976931348623157e308 WHERE trial_id = 2;
      INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (1, 'study:metric_names', '["pq", NaN]');
    `)
    const { goals, trials } = await read(file)
    expect(goals[0]?.metric).toBe('pq')
    expect(trials[0]).toMatchObject({ reports: [[0], expect.anything(), expect.anything(), [-Infinity]] })
    expect(trials[1]).toMatchObject({ reports: [[Infinity], [Infinity], [Infinity], [0.003864291653552654]] })
  })
})

describe('a file that means harm', () => {
  test.each([
    ['a view that never ends', `DROP TABLE trials; CREATE VIEW trials AS WITH RECURSIVE n (trial_id) AS (SELECT 1 UNION ALL SELECT trial_id + 1 FROM n) SELECT trial_id, trial_id AS number, 1 AS study_id, 'COMPLETE' AS state, NULL AS datetime_start, NULL AS datetime_complete FROM n`, /'trials' is no plain table/], // prettier-ignore
    ['a computed column', `ALTER TABLE trial_params DROP COLUMN distribution_json; ALTER TABLE trial_params ADD COLUMN distribution_json TEXT AS (hex(zeroblob(900000000)))`, /no plain column 'distribution_json'/], // prettier-ignore
    ['a virtual table', `DROP TABLE studies; CREATE VIRTUAL TABLE studies USING fts5(study_id, study_name)`, /'studies' is no plain table/], // prettier-ignore
    ['a table missing', 'DROP TABLE trial_values', /has no table 'trial_values'/],
    [
      'another schema',
      'DROP TABLE trials; CREATE TABLE trials (trial_id INTEGER PRIMARY KEY)',
      /no plain column 'number'/,
    ],
  ])('by %s is refused', async (_, change, message) => {
    await expect(read(optunaFile(change))).rejects.toEqual(refusedFile(message))
  })

  test('by cells of 200 MB is read without them', async () => {
    const file = optunaFile(`
      UPDATE trial_params SET distribution_json = zeroblob(200000000) WHERE trial_id = 1 AND param_name = 'lr';
      INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (1, 'study:metric_names', zeroblob(200000000));
    `)
    const before = process.memoryUsage().rss
    const { goals, trials } = await read(file)
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
    expect(goals[0]?.metric).toBe('value')
    expect(trials[0]).toEqual({ name: 'trial 0', why: 'a parameter of it is too long to be one' })
    expect(trials[1]).toMatchObject({ state: 'complete' })
  })

  test('by pickled attributes is read without them', async () => {
    const pickle = Buffer.from('cos\nsystem\n(S"touch harm"\ntR.').toString('hex')
    const file = optunaFile(`INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (1, 'cma:optimizer:0', '"${pickle}"')`) // prettier-ignore
    expect(JSON.stringify(await read(file))).not.toContain(pickle.slice(0, 20))
  })

  test('by odd cells says of which trials', async () => {
    const file = optunaFile(`
      UPDATE trial_params SET distribution_json = '{"name":' WHERE trial_id = 1 AND param_name = 'lr';
      UPDATE trial_params SET param_value = 77 WHERE trial_id = 2 AND param_name = 'c';
      UPDATE trial_params SET distribution_json = '[1]' WHERE trial_id = 3 AND param_name = 'lr';
      UPDATE trials SET state = 'WHAT' WHERE trial_id = 4;
    `)
    const { trials } = await read(file)
    expect(trials.slice(0, 4).map((trial) => ('why' in trial ? trial.why : ''))).toEqual([
      expect.stringContaining('JSON'),
      "its parameter 'c' is none of its choices",
      "its parameter 'lr' has no distribution",
      'it has not ended',
    ])
  })

  test('or is no database, is named', async () => {
    const file = join(temporaryDir(), 'x.db')
    await expect(read(file)).rejects.toMatchObject({ code: 'data/missing' })
    writeFileSync(file, 'no database at all, but long enough'.repeat(100))
    await expect(read(file)).rejects.toEqual(refusedFile(/cannot be read as a study of Optuna/))
  })
})

describe('trials that are imported', () => {
  const space = { lr: loguniform(1e-4, 1, { default: 0.5 }), net: oneOf({ a: {}, b: { depth: uniform(0, 1) } }), mirror: choice(true, false) } // prettier-ignore
  const into = { ...record, constraints: [], space: spaceSpec(space) }
  const trial: ImportedTrial = {
    origin: 'somewhere, trial 3',
    state: 'complete',
    values: new Map<string, string | number | boolean>([['lr', 0.25], ['net', 'b'], ['net.b.depth', 0.75], ['mirror', false]]), // prettier-ignore
    reports: [{ pq: 0.5 }, { pq: 0.75, ms: 8 }],
    startedAt: Date.UTC(2024, 1, 1),
    endedAt: Date.UTC(2024, 1, 1, 0, 1),
  }

  test('are ours, with all that was known of them; the baseline of a study that is yet to run comes first', async () => {
    const dir = temporaryDir()
    expect(await importTrials(dir, into, [trial], { isNew: false })).toEqual({ taken: 1, refused: new Map() })
    const [study] = openSqliteStore(dir).list()
    expect(study?.history.trials[0]).toMatchObject({ params: { lr: 0.5 }, outcome: { state: 'interrupted' } })
    expect(study?.history.trials[1]).toMatchObject({
      number: 1,
      params: { lr: 0.25, net: { kind: 'b', depth: 0.75 }, mirror: false },
      reason: 'imported from somewhere, trial 3',
      reports: trial.reports.map((metrics, i) => ({ step: i + 1, metrics, at: trial.endedAt })),
      outcome: { state: 'complete' },
      seconds: 60,
    })
    const db = new Database(studiesFile(dir), { readonly: true })
    expect(db.prepare('SELECT datetime_start AS at FROM trials WHERE number = 1').get()).toEqual({ at: '2024-02-01 00:00:00.000000' }) // prettier-ignore
    db.close()
  })

  test('are not taken twice, nor where they do not lie in the space, lack a parameter or a result', async () => {
    const dir = temporaryDir()
    const withValues = (values: readonly (readonly [string, string | number])[]) => {
      return { ...trial, origin: JSON.stringify(values), values: new Map([...trial.values, ...values]) }
    }
    const lacking = new Map(trial.values)
    lacking.delete('lr')
    const { taken, refused } = await importTrials(
      dir,
      into,
      [
        trial,
        trial,
        withValues([['lr', 7]]),
        withValues([['net', 'a']]),
        withValues([['rate', 1]]),
        { ...trial, origin: 'x', values: lacking },
        { ...trial, origin: 'y', reports: [{ pq: Number.NaN }] },
        { why: 'it has not ended' },
      ],
      { isNew: false },
    )
    expect(taken).toBe(1)
    expect([...refused.keys()]).toEqual([
      'it was imported before',
      expect.stringContaining("'lr': 7 is not a number"),
      "the study has no parameter 'net.b.depth' there",
      "the study has no parameter 'rate' there",
      expect.stringContaining("'lr'"),
      "it has no result of 'pq'",
      'it has not ended',
    ])
    expect((await importTrials(dir, into, [trial], { isNew: false })).taken).toBe(0)
  })

  test('are not told apart by more than twenty reasons', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ why: `reason ${i}` }))
    const { refused } = await importTrials(temporaryDir(), into, many, { isNew: true })
    expect(refused.size).toBe(21)
    expect(refused.get('other reasons')).toBe(980)
  })
})

test('a study in the store whose name leads elsewhere is refused', () => {
  const dir = temporaryDir()
  const store = openSqliteStore(dir)
  store.open(record)
  store.close()
  const db = new Database(studiesFile(dir))
  db.exec(`UPDATE studies SET study_name = '../../elsewhere'`)
  db.close()
  expect(() => openSqliteStore(dir).list()).toThrow(expect.objectContaining({ code: 'store/invalid' }))
})
