import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { random } from '../../src/search/random.ts'
import { spaceSpec, uniform } from '../../src/space.ts'
import { enqueueTrial, openSqliteStore } from '../../src/store/sqlite.ts'
import { defineStudy, maximize } from '../../src/study.ts'
import { recordOf, runStudy } from '../../src/trials/driver.ts'
import type { Executor } from '../../src/trials/executor.ts'
import { slots } from '../contracts/executor.ts'
import { tickingClock } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

const space = { x: uniform(0, 1) }

/** Runs a study of four trials in which another program does something just before a trial starts. */
async function runBeside(results: string, before: (number: number) => void) {
  const ran: number[] = []
  let count = 0
  const study = defineStudy({
    name: 'shared',
    goal: maximize('pq'),
    space,
    budget: { trials: 4 },
    // Called between the choice of a trial and its start.
    derive: () => {
      before(count++)
      return {}
    },
    async *objective({ x }, { number }) {
      ran.push(number)
      yield { pq: x }
    },
  })
  const executor: Executor = {
    slots: slots.slice(0, 1),
    data: 'itself',
    run: ({ params, ...job }, _, signal) => study.objective(params as never, { ...job, signal } as never),
    close: async () => undefined,
  }
  const store = openSqliteStore(results)
  try {
    const { why, history } = await runStudy({
      study,
      url: 'none:',
      codeHash: '',
      store,
      executor,
      sampler: random(),
      results,
      clock: tickingClock(),
      signal: new AbortController().signal,
      onEvent: () => undefined,
    })
    return { why, ran, trials: history.trials }
  } finally {
    store.close()
  }
}

/** Another program takes a trial that waits, as Optuna does. */
function take(results: string, number: number): void {
  const db = new Database(studiesFile(results))
  const { changes } = db.prepare(`UPDATE trials SET state = 'RUNNING', datetime_start = '2026-05-01 10:00:00.000000' WHERE number = ? AND state = 'WAITING'`).run(number) // prettier-ignore
  db.close()
  expect(changes).toBe(1)
}

/** And ends it. */
function tell(results: string, number: number): void {
  const db = new Database(studiesFile(results))
  db.exec(
    `UPDATE trials SET state = 'COMPLETE', datetime_complete = '2026-05-01 10:00:05.000000' WHERE number = ${number}`,
  )
  db.exec(`INSERT INTO trial_values (trial_id, objective, value, value_type) SELECT trial_id, 0, 0.875, 'FINITE' FROM trials WHERE number = ${number}`) // prettier-ignore
  db.close()
}

test('a trial that waits and that another program takes just before its start is left to it, and another is run', async () => {
  const results = temporaryDir()
  const record = recordOf(defineStudy({ name: 'shared', goal: maximize('pq'), space, budget: { trials: 4 }, async *objective() { yield { pq: 0 } } }), '') // prettier-ignore
  enqueueTrial(results, record, { x: 0.25 })
  enqueueTrial(results, record, { x: 0.75 })
  // The first is the baseline.
  const { why, ran, trials } = await runBeside(results, (count) => count === 1 && take(results, 1))
  expect(why).toBe('budget')
  expect(ran).toEqual([0, 2, 3, 4])
  expect(trials.map(({ number }) => number)).toEqual(ran)
  const db = new Database(studiesFile(results))
  expect(db.prepare('SELECT number, state FROM trials WHERE number < 2').all()).toEqual([
    { number: 0, state: 'COMPLETE' },
    { number: 1, state: 'RUNNING' },
  ])
  db.close()
})

test("so is an interrupted trial of ours: it is the other program's then, with the result that this one gives it", async () => {
  const results = temporaryDir()
  const record = { name: 'shared', goals: [maximize('pq')], constraints: [], space: spaceSpec(space), settings: {}, seed: 0, steps: null, codeHash: '' } // prettier-ignore
  const store = openSqliteStore(results, { clock: tickingClock() })
  const study = store.open(record)
  for (const x of [0.5, 0.25, 0.75]) {
    const { number } = study.start({ params: { x }, seed: 1, device: slots[0]!.device, reason: 'first' })
    study.report(number, { step: 1, metrics: { pq: 0.1 }, at: 1 })
    study.finish(number, { state: 'interrupted' })
  }
  store.close()
  take(results, 0) // while nobody runs the study
  const { ran, trials } = await runBeside(results, (count) => {
    if (count === 0) take(results, 1)
    if (count === 1) tell(results, 0)
  })
  expect(ran).toEqual([2, 3, 4])
  expect(trials.map(({ number, outcome }) => [number, outcome.state])).toEqual([0, 2, 3, 4].map((n) => [n, 'complete']))
  expect(trials[0]?.reports.at(-1)?.metrics).toEqual({ pq: 0.875 })
  const [again] = openSqliteStore(results).list()
  expect(again?.history.trials.map(({ number }) => number)).toEqual([0, 2, 3, 4])
})
