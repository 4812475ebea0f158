import Database from 'better-sqlite3'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import type { Store, StudyStore } from '../../src/store/store.ts'
import { record, start, testStore, tickingClock } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

function storeIn(dir: string): Store {
  const store = openSqliteStore(dir, { busyMs: 50 })
  onTestFinished(() => store.close())
  return store
}

function failing(code: string, message: string | RegExp): unknown {
  return expect.objectContaining({ code, message: expect.stringMatching(message), hint: expect.any(String) })
}

/** A complete trial. */
function addTrial(study: StudyStore): void {
  const { number } = study.start(start)
  study.report(number, { step: 1, metrics: { pq: 0.5 }, at: 1 })
  study.finish(number, { state: 'complete' })
}

describe('the store in SQLite', () => {
  testStore(() => {
    const dir = temporaryDir()
    return { open: (clock) => openSqliteStore(dir, { busyMs: 50, ...(clock && { clock }) }) }
  })

  test('reads more trials than a page of them as they were written, those of other programs among them', () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    const study = store.open(record)
    for (let n = 0; n < 230; n++) {
      const { number } = study.start({ ...start, reason: `because of ${n % 3}`, ...(n % 5 === 4 && { from: n - 1 }) })
      for (let step = 1; step <= n % 4; step++) study.report(number, { step, metrics: { pq: n / 300 + step }, at: n })
      study.finish(
        number,
        n % 9 === 0 ? { state: 'failed', code: 'trial/threw', message: 'no' } : { state: 'pruned' },
        n,
      )
    }
    const written = study.history().trials
    store.close()
    const db = new Database(studiesFile(dir))
    db.exec(
      `INSERT INTO trials (number, study_id, state, datetime_complete) VALUES (230, 1, 'FAIL', '2026-01-01 00:00:00')`,
    )
    db.close()
    const read = storeIn(dir).list()[0]!.history.trials
    expect(read.slice(0, 230)).toEqual(written)
    expect(storeIn(dir).open(record).history().trials).toEqual(read)
  })

  test('refuses rows whose ids are too large to be told apart', () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    addTrial(store.open(record))
    store.close()
    const db = new Database(studiesFile(dir))
    db.pragma('foreign_keys = OFF')
    for (const table of ['trials', 'tune_trials']) db.exec(`UPDATE ${table} SET trial_id = 9007199254740993`)
    db.close()
    expect(() => storeIn(dir).list()).toThrow(failing('store/invalid', /is no id of a trial/))
  })

  test('makes nothing where it only reads', () => {
    const dir = join(temporaryDir(), 'results')
    expect(storeIn(dir).list()).toEqual([])
    expect(existsSync(dir)).toBe(false)
  })

  test('is read while another store of it writes', () => {
    const dir = temporaryDir()
    const study = storeIn(dir).open(record)
    const reader = storeIn(dir)
    addTrial(study)
    expect(reader.list()[0]?.history.trials).toHaveLength(1)
    study.start(start)
    expect(reader.list()[0]?.history.trials[1]?.outcome.state).toBe('running')
  })

  test('keeps its log, an accepted change of the code in it', () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir, { clock: tickingClock(1000) })
    store.open(record)
    store.log(record.name, { kind: 'warning', message: 'slow' })
    addTrial(store.open({ ...record, name: 'other' }))
    store.close()
    const again = openSqliteStore(dir)
    again.open({ ...record, name: 'other', codeHash: 'def' }, { acceptCodeChange: true })
    again.close()
    const db = new Database(studiesFile(dir), { readonly: true })
    const events = db.prepare('SELECT kind, event_json FROM tune_events ORDER BY event_id').all()
    db.close()
    expect(events).toEqual([
      { kind: 'warning', event_json: '{"kind":"warning","message":"slow"}' },
      { kind: 'code-changed', event_json: '{"kind":"code-changed","was":"abc","is":"def"}' },
    ])
  })

  test('reads a copy in a place where nothing may be written', () => {
    const dir = temporaryDir()
    const store = storeIn(dir)
    addTrial(store.open(record))
    const copy = join(temporaryDir(), 'copy')
    cpSync(dir, copy, { recursive: true }) // with its WAL: the store is open
    asReader(copy, () => expect(storeIn(copy).list()[0]?.history.trials).toHaveLength(1))
  })

  test('is another process to whoever opens the study twice, until that process is killed', async () => {
    const dir = temporaryDir()
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(new URL('../../dist/store/sqlite.js', import.meta.url).href)})
      openSqliteStore(${JSON.stringify(dir)}).open(${JSON.stringify(record)}).start(${JSON.stringify(start)})
      console.log('open')
      setInterval(() => {}, 1000)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    expect(() => storeIn(dir).open(record)).toThrow(
      failing('store/locked', /'weights' is being run by another process/),
    )
    expect(storeIn(dir).list()[0]?.history.trials[0]?.outcome.state).toBe('running')
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    expect(storeIn(dir).list()[0]?.history.trials[0]?.outcome.state).toBe('interrupted')
    expect(storeIn(dir).open(record).history().trials).toHaveLength(1)
  })
})

describe('a results directory that cannot be used', () => {
  test('is named where another process holds its database', () => {
    const dir = temporaryDir()
    openSqliteStore(dir).open(record)
    const holder = new Database(studiesFile(dir))
    holder.exec('BEGIN EXCLUSIVE')
    expect(() => storeIn(dir).open({ ...record, name: 'other' })).toThrow(
      failing('store/locked', /studies\.sqlite is held by another process/),
    )
    holder.close()
  })

  test.each([
    ['text', 'This is no database, but it is long enough to be read as the head of one.'.repeat(10)],
    ['a cut header', 'SQLite format 3\0broken broken broken'.repeat(30)],
  ])('is named where the database is %s', (_, content) => {
    const dir = temporaryDir()
    writeFileSync(studiesFile(dir), content)
    expect(() => storeIn(dir).list()).toThrow(failing('store/invalid', /studies\.sqlite is no database/))
    expect(() => storeIn(dir).open(record)).toThrow(failing('store/invalid', /studies\.sqlite is no database/))
  })

  test('is named where the database is of something else', () => {
    const dir = temporaryDir()
    const db = new Database(studiesFile(dir))
    db.exec('CREATE TABLE songs (title TEXT)')
    db.close()
    expect(() => storeIn(dir).open(record)).toThrow(failing('store/invalid', /database of something else/))
    expect(() => storeIn(dir).list()).toThrow(failing('store/invalid', /database of something else/))
  })

  test.each([
    ["UPDATE alembic_version SET version_num = 'v10.0.0.a'", 'store/newer'],
    ['UPDATE tune_meta SET schema = 99', 'store/newer'],
    ["UPDATE alembic_version SET version_num = 'v3.0.0.d'", 'store/invalid'],
    ["UPDATE tune_trials SET params_json = 'garbage'", 'store/invalid'],
  ])('is refused after: %s', (sql, code) => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    addTrial(store.open(record))
    store.close()
    const db = new Database(studiesFile(dir))
    db.exec(sql)
    db.close()
    expect(() => storeIn(dir).open(record)).toThrow(failing(code, /studies\.sqlite/))
    expect(() => storeIn(dir).list()).toThrow(failing(code, /studies\.sqlite/))
  })

  test('is named where it may not be written, and what is stored there stays readable', () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    addTrial(store.open(record))
    store.close()
    asReader(dir, () => {
      expect(() => storeIn(dir).open(record)).toThrow(failing('results/unwritable', dir))
      expect(storeIn(dir).list()[0]?.history.trials).toHaveLength(1)
    })
  })

  test('is named where a file stands in its place', () => {
    const file = join(temporaryDir(), 'results')
    writeFileSync(file, '')
    expect(() => storeIn(file).open(record)).toThrow(failing('results/unwritable', file))
  })

  test.skipIf(!canMount())('is named where its disk is full; the trials until then are kept', () => {
    const dir = temporaryDir()
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', dir])
    onTestFinished(() => void execFileSync('/bin/umount', ['-l', dir]))
    const store = storeIn(dir)
    const study = store.open(record)
    let ended = 0
    expect(() => {
      for (; ; ended++) addTrial(study)
    }).toThrow(failing('results/unwritable', /studies\.sqlite/))
    expect(ended).toBeGreaterThan(10)
    expect(study.history().trials.filter(({ outcome }) => outcome.state === 'complete')).toHaveLength(ended)
    store.close()
    const states =
      storeIn(dir)
        .list()[0]
        ?.history.trials.map(({ outcome }) => outcome.state) ?? []
    expect(states.filter((state) => state === 'complete')).toHaveLength(ended)
    expect(states.length).toBeLessThanOrEqual(ended + 1)
  })
})

/** Runs something as a user who may read a directory but not write it. */
function asReader(dir: string, run: () => void): void {
  execFileSync('chmod', ['-R', 'a+rX,a-w', dir])
  // Root may write anything; it can be another user for a while.
  const isRoot = process.geteuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    run()
  } finally {
    if (isRoot) process.seteuid?.(0)
    execFileSync('chmod', ['-R', 'u+w', dir])
  }
}

function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-mount-'))
  try {
    execFileSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', dir], { stdio: 'ignore' })
    execFileSync('/bin/umount', [dir])
    return true
  } catch {
    return false
  } finally {
    rmSync(dir, { recursive: true })
  }
}

describe('a database that runs what its author wrote', () => {
  const endless = 'WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n'
  test.each([
    [
      'a view that never ends',
      `DROP TABLE tune_reports; CREATE VIEW tune_reports AS ${endless}`,
      /view 'tune_reports'/,
    ],
    ['a trigger', `CREATE TRIGGER t AFTER INSERT ON trials BEGIN INSERT INTO studies (study_id) ${endless}; END`, /trigger 't'/], // prettier-ignore
    ['a virtual table', 'CREATE VIRTUAL TABLE v USING fts5(x)', /virtual table 'v'/],
    [
      'a computed column',
      'ALTER TABLE trials ADD COLUMN c AS (hex(zeroblob(900000000)))',
      /computed column 'trials\.c'/,
    ],
  ])('by %s is refused to readers and writers', (_, change, message) => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    addTrial(store.open(record))
    store.close()
    const db = new Database(studiesFile(dir))
    db.exec(change)
    db.close()
    expect(() => storeIn(dir).list()).toThrow(failing('store/invalid', message))
    expect(() => storeIn(dir).open(record)).toThrow(failing('store/invalid', message))
  })
})

describe('a database whose cells are not what we write is refused with what is wrong, no stack:', () => {
  const deep = (open: string, close: string) => open.repeat(100_000) + close.repeat(100_000)
  const sql = (text: string) => `'${text}'`
  test.each([
    ['no goals', `UPDATE tune_studies SET goals_json = '[]'`],
    ['goals without end', `UPDATE tune_studies SET goals_json = ${sql(deep('[', ']'))}`],
    ['a space without end', `UPDATE tune_studies SET space_json = ${sql(deep('{"a":', '}').replace('}', '1}'))}`],
    ['a kind of range that is a property of objects', `UPDATE tune_studies SET space_json = '{"a":{"kind":"constructor"}}'`], // prettier-ignore
    ['odd constraints', `UPDATE tune_studies SET constraints_json = '[5]'`],
    ['params without end', `UPDATE tune_trials SET params_json = ${sql(`{"a":${deep('[', ']')}}`)}`],
    ['no device', `UPDATE tune_trials SET device_json = 'null'`],
    ['no metrics', `UPDATE tune_reports SET metrics_json = 'null'`],
    ['a metric that every object has', `UPDATE tune_reports SET metrics_json = '{"pq":1,"__proto__":2}'`],
    ['a cell of 5 MB', `UPDATE tune_reports SET metrics_json = '{"pq":"' || hex(zeroblob(2500000)) || '"}'`],
    ['a time beyond all dates', 'UPDATE tune_reports SET at = 9000000000000000'],
    ['a number that leads elsewhere', `UPDATE trials SET number = '../../../home'`],
    ['a table missing', 'DROP TABLE tune_reports'],
    ['a column missing', 'ALTER TABLE tune_trials DROP COLUMN params_json'],
  ])('%s', (_, change) => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    addTrial(store.open(record))
    store.close()
    const db = new Database(studiesFile(dir))
    db.exec(change)
    db.close()
    expect(() => storeIn(dir).list()).toThrow(failing('store/invalid', /studies\.sqlite/))
  })
})
