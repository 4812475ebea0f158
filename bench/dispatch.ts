/*
 * What it costs to run a trial and to hear a report, beside the training: trials a second in two slots, and the median time
 * from one report to the next of an objective that does nothing, inline, through threads and through processes; what of
 * memory and disk a trial takes; and what isolation costs to begin with.
 *   npm run bench -- dispatch [--trials 10000] [--reports 5000]
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { systemClock } from '../src/clock.ts'
import { studiesFile } from '../src/results.ts'
import type { Executor, Slot } from '../src/trials/executor.ts'
import type { LoadedStudy } from '../src/trials/load.ts'

const { values } = parseArgs({
  options: { trials: { type: 'string', default: '10000' }, reports: { type: 'string', default: '5000' } },
})
const [trials, reports] = [Number(values.trials), Number(values.reports)]
const slots: readonly Slot[] = [0, 1].map((index) => ({ index, device: { kind: 'cpu', index: 0, threads: 1 } }))
// What is garbage takes no memory.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const results = mkdtempSync(join(tmpdir(), 'panoptune-dispatch-'))

// The built ones, as users run them: threads and processes run files.
const built = <T>(file: string): Promise<T> => import(resolve('dist', file)) as Promise<T>
const { random } = await built<typeof import('../src/search/random.ts')>('search/random.js')
const { openSqliteStore } = await built<typeof import('../src/store/sqlite.ts')>('store/sqlite.js')
const { withOverrides } = await built<typeof import('../src/study.ts')>('study.js')
const { runStudy } = await built<typeof import('../src/trials/driver.ts')>('trials/driver.js')
const { inlineExecutor } = await built<typeof import('../src/trials/inline.ts')>('trials/inline.js')
const { loadStudy } = await built<typeof import('../src/trials/load.ts')>('trials/load.js')
const { processesExecutor } = await built<typeof import('../src/trials/processes.ts')>('trials/processes.js')
const { threadsExecutor } = await built<typeof import('../src/trials/threads.ts')>('trials/threads.js')
const script = resolve('dist/cli/trial_process.js')

/** Each with the CPU time of the driver that a trial may take, for 1000 and 300 trials a second on a machine that does nothing else, and the milliseconds that a report may take. */
const WAYS: readonly { name: string; open: () => Executor; cpuMs: number; perReport: number }[] = [
  { name: 'inline', open: () => inlineExecutor(slots), cpuMs: 1, perReport: Infinity },
  { name: 'threads', open: () => threadsExecutor(slots), cpuMs: 3.33, perReport: 0.2 },
  { name: 'processes', open: () => processesExecutor(slots, { script, args: ({ index }) => [results, String(index)] }), cpuMs: Infinity, perReport: 0.5 }, // prettier-ignore
]

try {
  const loaded = await loadStudy('bench/dispatch/trivial.ts', results)
  console.log(
    `${trials} trials of one report in ${slots.length} slots; load ${loadavg()[0]!.toFixed(1)} on this machine\n`,
  )
  console.log(line('', 'trials/s', 'CPU ms', 'asked', 'MB more', 'bytes', 'ms/report', 'asked', 'start ms'))
  for (const way of WAYS) {
    const study = await measureStudy(loaded, way.name, way.open())
    const { first, median } = await measureReports(loaded, way.open())
    const cells = [study.rate, study.cpuMs, way.cpuMs, study.moreMb, study.bytes, median, way.perReport, first]
    console.log(line(way.name, ...cells.map((cell) => (typeof cell === 'number' ? Number(cell.toPrecision(3)) : cell))))
    if (study.cpuMs > way.cpuMs || median > way.perReport) process.exitCode = 1
  }
} finally {
  rmSync(results, { recursive: true })
}

interface Measured {
  /** Trials a second. */
  readonly rate: number
  /** CPU time of this process a trial, in ms. */
  readonly cpuMs: number
  /** What the heap grew by in the second half, in MB: the history itself, and nothing else. */
  readonly moreMb: number
  /** What a trial takes in the file. */
  readonly bytes: number
}

async function measureStudy(loaded: LoadedStudy, name: string, executor: Executor): Promise<Measured> {
  const own = join(results, name)
  mkdirSync(own)
  const store = openSqliteStore(own)
  const study = withOverrides(loaded.study, { budget: { trials } })
  let ended = 0
  let half = 0
  const from = performance.now()
  const cpu = process.cpuUsage()
  try {
    const run = { study, url: loaded.url, codeHash: loaded.codeHash, store, executor, sampler: random(), results: own, clock: systemClock, signal: new AbortController().signal } // prettier-ignore
    await runStudy({ ...run, onEvent: ({ kind }) => {
      if (kind === 'trial-ended' && ++ended === trials / 2) half = usedMb()
    } }) // prettier-ignore
    const { user, system } = process.cpuUsage(cpu)
    const seconds = (performance.now() - from) / 1000
    const moreMb = usedMb() - half
    return {
      rate: trials / seconds,
      cpuMs: (user + system) / 1000 / trials,
      moreMb,
      bytes: sizeAfter(store, own) / trials,
    }
  } finally {
    await executor.close()
  }
}

function sizeAfter(store: { close(): void }, own: string): number {
  store.close()
  return statSync(studiesFile(own)).size
}

function usedMb(): number {
  collect()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** How long the first report takes, and the median of the others, in ms. */
async function measureReports(loaded: LoadedStudy, executor: Executor): Promise<{ first: number; median: number }> {
  const dir = mkdtempSync(join(results, 'trial-'))
  const [slot] = slots as [Slot, ...Slot[]]
  const job = { studyUrl: loaded.url, number: 0, params: { x: 0.5, y: 0 }, seed: 1, device: slot.device, maxSteps: reports, dir, reported: 0, settings: { reports }, data: {} } // prettier-ignore
  const times: number[] = []
  let last = performance.now()
  try {
    for await (const _ of executor.run(job, slot, new AbortController().signal)) {
      const now = performance.now()
      times.push(now - last)
      last = now
    }
  } finally {
    await executor.close()
  }
  const [first = 0, ...others] = times
  return { first, median: others.toSorted((a, b) => a - b)[others.length >> 1] ?? 0 }
}

function line(what: string, ...cells: readonly (string | number)[]): string {
  return [what.padEnd(10), ...cells.map((cell) => String(cell).padStart(10))].join('')
}
