import Database from 'better-sqlite3'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { record, start } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

const oldest = { ...record, constraints: [] }

/** A directory with the results that the first version wrote. */
function oldResults(): string {
  const dir = temporaryDir()
  const db = new Database(studiesFile(dir))
  db.exec(readFileSync(new URL('../fixtures/studies_schema_1.sql', import.meta.url), 'utf8'))
  db.close()
  return dir
}

function openIn(dir: string, said: string[] = []) {
  const store = openSqliteStore(dir, { say: (message) => said.push(message) })
  onTestFinished(() => store.close())
  return store
}

const states = ['complete', 'pruned', 'failed', 'interrupted']

test('results of the first version are read without being changed', () => {
  const dir = oldResults()
  const before = readFileSync(studiesFile(dir))
  const [study] = openIn(dir).list()
  expect(study?.history.trials.map(({ outcome }) => outcome.state)).toEqual(states)
  expect(study?.record.steps).toBeUndefined()
  expect(study?.events()).toMatchObject([{ kind: 'warning', message: 'slow' }])
  expect(readFileSync(studiesFile(dir)).equals(before)).toBe(true)
})

test('whoever continues them keeps a copy first, says where it is, and finds every trial; once', () => {
  const dir = oldResults()
  const copy = `${studiesFile(dir)}.bak-1`
  const said: string[] = []
  const store = openIn(dir, said)
  const study = store.open(oldest)
  expect(said).toEqual([expect.stringContaining(copy)])
  const { trials } = study.history()
  expect(trials.map(({ outcome }) => outcome.state)).toEqual(states)
  expect(trials[0]?.reports.map(({ metrics }) => metrics)).toEqual([
    { pq: 0.25, loss: 1 },
    { pq: 0.5, loss: 0.5 },
  ])
  study.finish(study.start(start).number, { state: 'complete' })
  store.close()

  const again = openIn(dir, said).open(oldest)
  expect(again.history().trials).toHaveLength(5)
  expect(said).toHaveLength(1)

  const kept = new Database(copy, { readonly: true })
  onTestFinished(() => void kept.close())
  expect(kept.pragma('integrity_check', { simple: true })).toBe('ok')
  expect(kept.prepare('SELECT (SELECT schema FROM tune_meta) AS schema, count(*) AS trials FROM trials').get()).toEqual({ schema: 1, trials: 4 }) // prettier-ignore
})

test('a copy can take the place of what it was made of, and is not replaced by the next', () => {
  const dir = oldResults()
  const first = openIn(dir)
  first.open(oldest)
  first.close()
  const file = studiesFile(dir)
  const copied = readFileSync(`${file}.bak-1`)
  rmSync(file)
  const db = new Database(`${file}.bak-1`)
  db.exec(`VACUUM INTO '${file}'`)
  db.close()
  openIn(dir).open(oldest)
  expect(existsSync(`${file}.bak-1-2`)).toBe(true)
  expect(readFileSync(`${file}.bak-1`).equals(copied)).toBe(true)
})

test('new results, and those of this version, are not copied', () => {
  const dir = temporaryDir()
  for (let i = 0; i < 2; i++) {
    const store = openIn(dir)
    store.open(record)
    store.close()
  }
  expect(readdirSync(dir).filter((name) => name.includes('.bak'))).toEqual([])
})
