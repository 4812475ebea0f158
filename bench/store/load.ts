import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ChildProcess } from 'node:child_process'
import { openSqliteStore } from './built.ts'
import type { StudyStore } from '../../src/store/store.ts'
import { watchLoop } from './blocked.ts'
import { line } from './costs.ts'
import { startOptuna, startReader } from './reader.ts'
import { record, start } from './study.ts'

export interface Load {
  readonly workers: number
  /** Reports a second of each worker. */
  readonly rate: number
  readonly seconds: number
  /** Reports of a trial. */
  readonly reports: number
}

/** The most that the driver may be kept from its other work, in milliseconds. */
const MOST_MS = 50

/** Runs the load and says what was measured; whether all went well. */
export async function load(dir: string, { workers, rate, seconds, reports }: Load): Promise<boolean> {
  const store = openSqliteStore(dir)
  const calls = timedCalls(store.open(record))
  const readers = [startReader(dir), startReader(dir), startOptuna(dir, record.name)].map(watched)
  const threads = Array.from({ length: workers }, () => startWorker(rate))
  await sleep(1000) // for all to begin
  const loop = watchLoop()

  let told = 0
  for (const thread of threads) {
    let { number } = calls.study.start(start)
    let step = 0
    thread.on('message', (pq: number) => {
      calls.study.report(number, { step: ++step, metrics: { pq, loss: 1 / step }, at: Date.now() })
      calls.study.history() // as a pruner does
      told++
      if (step < reports) return
      calls.study.finish(number, { state: 'complete' }, 1)
      ;({ number } = calls.study.start(start))
      step = 0
    })
    thread.postMessage('go', [])
  }
  await sleep(seconds * 1000)
  loop.stop()
  for (const thread of threads) await thread.terminate()
  for (const { child } of readers) child.kill()
  const polls = await Promise.all(readers.map(({ ended }) => ended))
  store.close()

  const stored = countReports(dir)
  const blocked = Math.max(...loop.own)
  console.log(`\n${workers} workers, ${(told / seconds).toFixed(0)} reports a second, of ${workers * rate} meant`)
  console.log('                                      median       99 %   at most, ms')
  for (const [name, times] of Object.entries(calls.times)) line(name, times)
  line('event loop late', loop.late)
  line('event loop late, by its own work', loop.own)
  for (const [i, { count, error }] of polls.entries())
    console.log(`${['dashboard', 'dashboard', 'Optuna'][i]}: read ${count} times${error && `; ${error}`}`)
  console.log(`${told} reports told, ${stored} stored; the event loop was kept ${blocked.toFixed(1)} ms at most`)
  return told === stored && blocked <= MOST_MS && polls.every(({ error }) => error === '')
}

interface Calls {
  readonly study: StudyStore
  readonly times: Record<keyof StudyStore, number[]>
}

/** The store, and how long each of its calls took. */
function timedCalls(study: StudyStore): Calls {
  const times: Calls['times'] = { history: [], start: [], report: [], finish: [] }
  const timed = <A extends unknown[], R>(name: keyof StudyStore, call: (...args: A) => R) => {
    return (...args: A): R => {
      const from = performance.now()
      const result = call(...args)
      times[name].push(performance.now() - from)
      return result
    }
  }
  const { history, start, report, finish } = study
  return {
    times,
    study: {
      history: timed('history', history),
      start: timed('start', start),
      report: timed('report', report),
      finish: timed('finish', finish),
    },
  }
}

function startWorker(rate: number): Worker {
  const source = `
    const { parentPort } = require('node:worker_threads')
    parentPort.once('message', () => setInterval(() => parentPort.postMessage(Math.random()), ${1000 / rate}))
  `
  return new Worker(source, { eval: true })
}

/** How often a reader has read, and what went wrong. */
function watched(child: ChildProcess) {
  let [count, error] = [0, '']
  child.stdout?.on('data', (chunk: Buffer) => (count += chunk.toString().split('\n').length - 1))
  child.stderr?.on('data', (chunk: Buffer) => (error += chunk.toString()))
  return { child, ended: once(child, 'close').then(() => ({ count, error: error.trimEnd().split('\n').at(-1) ?? '' })) }
}

function countReports(dir: string): number {
  const store = openSqliteStore(dir)
  const trials = store.list().flatMap(({ history }) => history.trials)
  return trials.reduce((sum, trial) => sum + trial.reports.length, 0)
}
