import Database from 'better-sqlite3'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { record, start } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

const BUILT = new URL('../../dist/store/sqlite.js', import.meta.url).href

/** A process that does something with a results directory, again and again until it is told to end; what it printed. */
function repeat(dir: string, code: string): () => Promise<string> {
  const script = `
    import Database from ${JSON.stringify(import.meta.resolve('better-sqlite3'))}
    const { openSqliteStore } = await import(${JSON.stringify(BUILT)})
    const dir = ${JSON.stringify(dir)}, file = ${JSON.stringify(studiesFile(dir))}
    process.stdin.once('end', () => process.exit()).resume()
    let count = 0
    ${code}
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const printed = Promise.all([text(child.stdout), text(child.stderr)])
  return async () => {
    child.stdin.end()
    return (await printed).join('')
  }
}

/** Threads that each send for eight workers, a hundred reports a second; the number of the worker and a value. */
function startWorkers(threads: number): readonly Worker[] {
  const source = `
    const { parentPort } = require('node:worker_threads')
    setInterval(() => { for (let i = 0; i < 8; i++) parentPort.postMessage([i, Math.random()]) }, 10)
  `
  const workers = Array.from({ length: threads }, () => new Worker(source, { eval: true }))
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.terminate()))))
  return workers
}

describe('the store under load', () => {
  test('of 64 workers at 100 reports a second, with dashboards and another program reading, loses no report and meets no lock', async () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    const study = store.open(record)
    const readers = [
      repeat(dir, `setInterval(() => { openSqliteStore(dir).list(); console.log(++count) }, 200)`),
      repeat(dir, `setInterval(() => { openSqliteStore(dir).list(); console.log(++count) }, 200)`),
      repeat(dir, `
        const db = new Database(file, { readonly: true, timeout: 0 })
        const read = db.prepare('SELECT count(*) FROM trial_intermediate_values JOIN trials USING (trial_id)')
        setInterval(() => { read.get(); console.log(++count) }, 20)
      `),
    ] // prettier-ignore
    await sleep(500)
    const running = Array.from({ length: 64 }, () => ({ number: study.start(start).number, step: 0 }))
    const told = new Map<number, number>()
    const workers = startWorkers(8)
    for (const [w, worker] of workers.entries()) {
      worker.on('message', ([i, pq]: [number, number]) => {
        const at = running[8 * w + i]!
        study.report(at.number, { step: ++at.step, metrics: { pq }, at: Date.now() })
        expect(study.history().trials[at.number]?.reports).toHaveLength(at.step)
        told.set(at.number, at.step)
        if (at.step < 40) return
        study.finish(at.number, { state: 'complete' }, 1)
        Object.assign(at, { number: study.start(start).number, step: 0 })
      })
    }
    await sleep(2500)
    await Promise.all(workers.map((worker) => worker.terminate()))
    store.close()

    for (const end of readers) expect(await end()).toMatch(/^(\d+\n)+$/)
    const stored = new Map(openSqliteStore(dir).list()[0]?.history.trials.flatMap(({ number, reports }) => (reports.length > 0 ? [[number, reports.length]] : []))) // prettier-ignore
    expect(stored).toEqual(told)
    expect([...told.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(2000)
  })

  test('of another program that writes as well waits for it, and meets no lock', async () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    onTestFinished(() => store.close())
    const study = store.open(record)
    const end = repeat(dir, `
      const db = new Database(file, { timeout: 10_000 })
      const write = db.prepare("INSERT INTO study_user_attributes (study_id, key, value_json) VALUES (1, ?, '1')")
      setInterval(() => { write.run('key ' + ++count); console.log(count) }, 1)
    `) // prettier-ignore
    await sleep(500)
    for (let n = 0; n < 100; n++) {
      const { number } = study.start(start)
      study.report(number, { step: 1, metrics: { pq: 0.5 }, at: 1 })
      study.finish(number, { state: 'complete' })
      await sleep(1)
    }
    expect(await end()).toMatch(/^(\d+\n)+$/)
    expect(study.history().trials).toHaveLength(100)
  })
})

describe('a report', () => {
  const count = (dir: string) => {
    const db = new Database(studiesFile(dir), { readonly: true })
    const found = db.prepare('SELECT count(*) FROM tune_reports').pluck().get()
    db.close()
    return found
  }

  test('is in the file at once; one of a flood a moment later, and with the next end at the latest', async () => {
    const dir = temporaryDir()
    const store = openSqliteStore(dir)
    onTestFinished(() => store.close())
    const study = store.open(record)
    study.start(start)
    let step = 0
    const flood = (reports: number) => {
      for (let i = 0; i < reports; i++) study.report(0, { step: ++step, metrics: { pq: step }, at: step })
    }
    for (const reports of [1, 2, 7]) {
      flood(reports)
      expect(count(dir)).toBe(step)
    }
    flood(50)
    expect(count(dir)).toBeLessThan(60)
    expect(study.history().trials[0]?.reports).toHaveLength(60)
    expect(store.list()[0]?.history.trials[0]?.reports).toHaveLength(60) // asked by our own store, all are written
    flood(50)
    await expect.poll(() => count(dir)).toBe(110)
    flood(50)
    study.finish(0, { state: 'complete' })
    expect(count(dir)).toBe(160)
  })

  test('and what is logged in a flood are written when the process ends, be it by an error', async () => {
    const dir = temporaryDir()
    const script = `
      const { openSqliteStore } = await import(${JSON.stringify(BUILT)})
      const store = openSqliteStore(${JSON.stringify(dir)})
      const study = store.open(${JSON.stringify(record)})
      study.start(${JSON.stringify(start)})
      for (let step = 1; step <= 100; step++) study.report(0, { step, metrics: { pq: step }, at: step })
      store.log('weights', { kind: 'warning', message: 'last' })
      throw new Error('ended')
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
    expect((await once(child, 'exit'))[0]).toBe(1)
    const [study] = openSqliteStore(dir).list()
    expect(study?.history.trials[0]?.reports).toHaveLength(100)
    expect(study?.events()).toMatchObject([{ message: 'last' }])
  })
})

test('a long log is moved into the database while the study runs', async () => {
  const dir = temporaryDir()
  const store = openSqliteStore(dir)
  onTestFinished(() => store.close())
  const study = store.open(record)
  const size = () => statSync(studiesFile(dir)).size
  const before = size()
  for (let n = 0; n < 30; n++) {
    for (let i = 0; i < 100; i++) study.finish(study.start(start).number, { state: 'pruned' })
    await sleep(5)
  }
  expect(existsSync(`${studiesFile(dir)}-wal`)).toBe(true)
  await expect.poll(size, { timeout: 20_000 }).toBeGreaterThan(before + 500_000)
  study.start(start)
  expect(openSqliteStore(dir).list()[0]?.history.trials).toHaveLength(3001)
})
