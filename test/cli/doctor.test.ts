import Database from 'better-sqlite3'
import { existsSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { nodeCheck, packagesCheck, pythonCheck, removeLeftovers } from '../../src/cli/doctor_checks.ts'
import { studiesFile } from '../../src/results.ts'
import { examineStore } from '../../src/store/health.ts'
import { mendStore } from '../../src/store/mend.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { record, start } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'
import { startTune, tinyStudy, workspace } from './tune.ts'

/** Results with a trial that is complete and one that was running when its driver ended. */
function results(): string {
  const dir = temporaryDir()
  const store = openSqliteStore(dir)
  const study = store.open(record)
  study.finish(study.start(start).number, { state: 'complete' })
  study.start(start)
  store.close()
  return dir
}

function change(dir: string, sql: string): void {
  const db = new Database(studiesFile(dir))
  db.unsafeMode()
  db.exec(sql)
  db.close()
}

const wrongs = (dir: string) => examineStore(dir).filter(({ isWrong }) => isWrong)

describe('tune doctor', () => {
  test('says of each thing that it is as it has to be', async () => {
    const { dir, tune } = workspace()
    const { code, stdout, stderr } = await tune('doctor')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.match(/^\w+( \w+)?/gm)).toEqual(['node', 'packages', 'devices', 'results', 'space', 'database', 'leftovers', 'cache', 'python']) // prettier-ignore
    expect(existsSync(join(dir, 'results'))).toBe(false)
  })

  test('exits with 4 after a driver was killed, mends what it left, and is content then', async () => {
    const { dir, tune } = workspace({
      'tiny.ts': tinyStudy(`async *objective() { yield { pq: 1 }; await sleep(60_000); yield { pq: 2 } },`),
    })
    const driver = startTune(dir, ['run', 'tiny.ts', '--slots', '1', '--json'])
    onTestFinished(() => void driver.kill('SIGKILL'))
    let printed = ''
    driver.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    while (!printed.includes('trial-reported')) await once(driver.stdout!, 'data')
    expect((await tune('doctor')).code).toBe(0)
    const closed = once(driver, 'close')
    driver.kill('SIGKILL')
    await closed

    const found = await tune('doctor')
    expect([found.code, found.stdout]).toEqual([4, expect.stringMatching(/WRONG {2}left running .* 'tiny' \(1 trials/)])
    const { code, stdout } = await tune('doctor', '--mend', '--json')
    const told = JSON.parse(stdout) as { mended: string[]; checks: { what: string; isWrong: boolean }[] }
    expect(code).toBe(0)
    expect(told.mended).toContainEqual(expect.stringContaining("'tiny': 1 trials wait to go on"))
    expect(told.checks.filter(({ isWrong }) => isWrong)).toEqual([])
    const db = new Database(join(dir, 'results/studies.sqlite'), { readonly: true })
    expect(db.prepare('SELECT state FROM trials').pluck().all()).toEqual(['WAITING'])
    expect(db.prepare('SELECT count(*) FROM tune_reports').pluck().get()).toBe(1)
    db.close()
  })

  test('follows no link: it removes nothing elsewhere, and does not go round in circles', () => {
    const [dir, elsewhere] = [temporaryDir(), temporaryDir()]
    const draft = join(elsewhere, 'best.yaml.999999.tmp')
    writeFileSync(draft, '')
    utimesSync(draft, 1, 1)
    symlinkSync(elsewhere, join(dir, 'out'))
    for (const name of ['a', 'b', 'c']) symlinkSync('.', join(dir, name))
    expect(removeLeftovers(dir, Date.now())).toEqual([])
    expect(existsSync(draft)).toBe(true)
  })

  test('removes drafts of writers that are dead, and no others', async () => {
    const { dir, tune } = workspace()
    const folder = join(dir, 'results/tiny')
    mkdirSync(folder, { recursive: true })
    const files = ['best.yaml.999999999.tmp', `best.yaml.${process.pid}.tmp`, 'mine.tmp', 'new.999999999.tmp'].map((name) => join(folder, name)) // prettier-ignore
    for (const file of files) writeFileSync(file, '')
    for (const file of files.slice(0, 3)) utimesSync(file, 0, Date.now() / 1000 - 7200)
    expect((await tune('doctor')).code).toBe(4)
    expect((await tune('doctor', '--mend')).code).toBe(0)
    expect(files.map((file) => existsSync(file))).toEqual([false, true, true, true])
  })
})

describe('what is wrong with a database', () => {
  test('is told with what to do, where it is none', () => {
    const dir = temporaryDir()
    writeFileSync(studiesFile(dir), 'This is no database, but it is long enough to be one.'.repeat(20))
    const [database, ...others] = wrongs(dir)
    expect(database?.text).toMatch(/is no database/)
    expect(database?.hint).toMatch(/restore a copy/)
    expect(others).toEqual([])
    expect(mendStore(dir)).toEqual([])
  })

  test('is mended where it is an index', () => {
    const dir = results()
    change(dir, `PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = 'CREATE INDEX ix_trials_study_id ON trials (state)' WHERE name = 'ix_trials_study_id'`) // prettier-ignore
    expect(wrongs(dir)[0]).toMatchObject({ what: 'database', hint: 'tune doctor --mend does so' })
    expect(mendStore(dir)).toContainEqual(expect.stringContaining('made the indexes again'))
    expect(wrongs(dir)).toEqual([])
    expect(openSqliteStore(dir).list()[0]?.history.trials).toHaveLength(2)
  })

  test('is left alone where a driver holds the study', () => {
    const dir = results()
    const store = openSqliteStore(dir)
    onTestFinished(() => store.close())
    store.open(record).start({ ...start, number: 1 })
    expect(wrongs(dir)).toEqual([])
    expect(mendStore(dir)).toEqual([])
    expect(store.list()[0]?.history.trials[1]?.outcome.state).toBe('running')
  })

  test('is not that another program has left trials running: they are named, and stay', () => {
    const dir = results()
    mendStore(dir)
    change(dir, `
      INSERT INTO trials (number, study_id, state, datetime_start) VALUES (2, 1, 'RUNNING', '2020-01-01 00:00:00.000000'), (3, 1, 'RUNNING', '2020-01-01 00:00:00.000000');
      INSERT INTO trial_heartbeats (trial_id, heartbeat) VALUES (3, datetime('now', '-5 hours'));
    `) // prettier-ignore
    expect(wrongs(dir)).toEqual([])
    const text = examineStore(dir).find(({ what }) => what === 'other programs')?.text
    expect(text).toMatch(/2 of 'weights' \(silent for 5 h\), 3 of 'weights' \(never heard of\)/)
    expect(mendStore(dir)).toEqual([])
  })
})

test('Node has to be new enough', () => {
  expect(['18.20.0', '20.18.9', '20.19.0', '22.0.0', '26.1.0'].map((version) => nodeCheck(version).isWrong)).toEqual([true, true, false, false, false]) // prettier-ignore
})

test('a package that is missing, or crashes when it is loaded, is named', async () => {
  const check = await packagesCheck({
    'no-such-package': '',
    'node:os': `process.kill(process.pid, 'SIGSEGV'); await new Promise((resolve) => setTimeout(resolve, 5000))`,
  })
  expect(check).toMatchObject({ isWrong: true, hint: expect.stringContaining('npm ci') })
  expect(check.text).toMatch(/no-such-package: .*Cannot find package.*; node:os: ends the process by SIGSEGV/)
})

test('Python may be missing', async () => {
  expect(await pythonCheck('no-such-python')).toMatchObject({ isWrong: false, text: expect.stringContaining('no no-such-python') }) // prettier-ignore
})
