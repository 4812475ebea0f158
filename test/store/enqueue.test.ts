import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { choice, loguniform, oneOf, spaceSpec, uniform, type Params } from '../../src/space.ts'
import { enqueueTrial, openSqliteStore } from '../../src/store/sqlite.ts'
import { record as anyRecord, start } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

const space = { lr: loguniform(1e-4, 1), schedule: oneOf({ poly: { power: uniform(0, 2) }, cosine: {} }), flip: choice(true, false) } // prettier-ignore
const record = { ...anyRecord, space: spaceSpec(space) }
const baseline: Params = { lr: 0.01, schedule: { kind: 'poly', power: 1 }, flip: true }
const cosine: Params = { ...baseline, schedule: { kind: 'cosine' } }

function opened(dir: string) {
  const store = openSqliteStore(dir)
  onTestFinished(() => store.close())
  return store
}

test('an enqueued trial waits behind the baseline of a study that is yet to start', () => {
  const dir = temporaryDir()
  expect(enqueueTrial(dir, record, cosine)).toBe(1)
  const { trials } = opened(dir).open(record).history()
  expect(trials.map(({ number, params, outcome }) => [number, params, outcome.state])).toEqual([
    [0, baseline, 'interrupted'],
    [1, cosine, 'interrupted'],
  ])
})

test('an enqueued trial is seen by whoever runs the study already', () => {
  const dir = temporaryDir()
  const study = opened(dir).open(record)
  study.start({ ...start, params: baseline })
  expect(enqueueTrial(dir, record, cosine)).toBe(1)
  expect(study.history().trials.map(({ outcome }) => outcome.state)).toEqual(['running', 'interrupted'])
  expect(study.start({ ...start, params: { ...baseline, lr: 0.5 } }).number).toBe(2)
})

test('an enqueued trial stands in the form that Optuna takes', () => {
  const dir = temporaryDir()
  enqueueTrial(dir, record, cosine)
  const db = new Database(studiesFile(dir), { readonly: true })
  const rows = db
    .prepare(`SELECT state, key, value_json FROM trials JOIN trial_system_attributes USING (trial_id)`)
    .all()
  db.close()
  expect(rows.at(-1)).toEqual({ state: 'WAITING', key: 'fixed_params', value_json: '{"lr":0.01,"schedule":"cosine","flip":true}' }) // prettier-ignore
})

test('the same is not enqueued twice, nor what was tried', () => {
  const dir = temporaryDir()
  enqueueTrial(dir, record, cosine)
  expect(() => enqueueTrial(dir, record, cosine)).toThrow("trial 1 of 'weights' waits to try this already")
  const study = opened(dir).open(record)
  study.start({ ...start, number: 0, params: baseline })
  study.finish(0, { state: 'complete' })
  expect(() => enqueueTrial(dir, record, baseline)).toThrow("trial 0 of 'weights' has tried this already")
})

test('the baseline itself is enqueued once', () => {
  const dir = temporaryDir()
  expect(enqueueTrial(dir, record, baseline)).toBe(0)
  expect(opened(dir).list()[0]?.history.trials).toHaveLength(1)
})
