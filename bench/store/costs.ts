import { closeSync, fdatasyncSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { studiesFile } from '../../src/results.ts'
import { openSqliteStore } from './built.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { record, start } from './study.ts'

/** What the disk takes to say that something is on it: nothing of ours waits for that. */
export function measureDisk(dir: string): void {
  mkdirSync(dir, { recursive: true })
  const file = openSync(join(dir, 'file'), 'w')
  const page = Buffer.alloc(4096)
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, page)
    return milliseconds(() => fdatasyncSync(file))
  })
  closeSync(file)
  line('fsync of a page', times)
}

/** Each call of a store that keeps so many trials, with `history` after each, as a driver asks for it. */
export function measureHistory(dir: string, trials: number): void {
  const store = openSqliteStore(dir)
  const study = store.open(record)
  const times = { start: [] as number[], report: [] as number[], finish: [] as number[], history: [] as number[] }
  const timed = <T>(name: keyof typeof times, run: () => T): T => {
    const before = performance.now()
    const result = run()
    times[name].push(performance.now() - before)
    return result
  }
  const [from, cpu] = [performance.now(), process.cpuUsage()]
  for (let n = 0; n < trials; n++) {
    const { number } = timed('start', () => study.start(start))
    timed('history', () => study.history())
    timed('report', () => study.report(number, { step: 1, metrics: { pq: 0.5 }, at: n }))
    timed('history', () => study.history())
    timed('finish', () => study.finish(number, { state: 'complete' }, 0.1))
    timed('history', () => study.history())
  }
  const seconds = (performance.now() - from) / 1000
  const used = process.cpuUsage(cpu)
  const cpuSeconds = (used.user + used.system) / 1e6
  console.log(`${trials} trials of one report: ${(trials / seconds).toFixed(0)} a second, ${(trials / cpuSeconds).toFixed(0)} a second of CPU`) // prettier-ignore
  for (const [name, all] of Object.entries(times)) line(`${name}, of the last tenth`, all.slice(-all.length / 10))
  line('close', [milliseconds(() => store.close())])
  console.log(`the file has ${(statSync(studiesFile(dir)).size / trials).toFixed(0)} bytes a trial`)
  const again = openSqliteStore(dir)
  line('open again', [milliseconds(() => again.open(record))])
  again.close()
}

function milliseconds(run: () => void): number {
  const from = performance.now()
  run()
  return performance.now() - from
}

export function line(name: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b)
  const columns = [0.5, 0.99, 1].map((p) => (quantile(sorted, p) ?? 0).toFixed(3).padStart(10))
  console.log(`${name.padEnd(34)}${columns.join('')}`)
}
