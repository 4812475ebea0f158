/*
 * What a suggestion costs, with all that keeps it: ask + tell, persisted in SQLite, in ten mixed dimensions.
 *   npm run bench -- ask [--samplers random,sobol,...] [--quick]
 * Ask is `choose` and the start of the trial, tell its one report and its end: three writes, the last one synced to the
 * disk. Medians; `cpu` is what this process used, which is what is left of it on a busy machine. Optuna 5 measured on the same machine: 23 to 37 ms, tpe 84 ms, open 2.5 to 3.7 s at 5,000 trials.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { stream } from '../src/rng.ts'
import { pedAnova } from '../src/search/importance/ped_anova.ts'
import { quantile } from '../src/search/numeric/quantile.ts'
import { historyAfter } from './ask/history.ts'
import { SAMPLERS } from './ask/samplers.ts'
import { askAndTell, fillTo, openBench, timed, type Time } from './ask/study.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    samplers: { type: 'string', default: Object.keys(SAMPLERS).join(',') },
    quick: { type: 'boolean', default: false },
  },
})

if (positionals[0] === 'open') openOnce(positionals[1]!)
else main(values.samplers.split(','))

function main(samplers: readonly string[]): void {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-ask-'))
  try {
    console.log('ask + tell, ms                  median     p90     cpu  at most')
    for (const trials of values.quick ? [300, 1000] : [300, 1000, 5000]) measureAt(dir, trials, samplers)
    if (values.quick) return
    line(
      'open + first ask, 5000 trials',
      Array.from({ length: 3 }, () => inProcess(dir).time),
      150,
    )
    measureImportances()
    measureMemory(50_000)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

/** Brings the study to so many trials, and asks each sampler that has a bar there. */
function measureAt(dir: string, trials: number, samplers: readonly string[]): void {
  const bench = openBench(dir)
  try {
    fillTo(bench.trials, trials)
    for (const name of samplers) {
      const sampler = SAMPLERS[name]
      const bar = sampler?.bars[trials]
      if (!sampler || bar === undefined) continue
      // One for all asks, as in a study: what it remembers of a history is part of what it costs.
      const made = sampler.make()
      // Whoever has that many trials has asked as often: the first asks, whose code is compiled meanwhile, are left out.
      const [first, counted] = bar > 10 ? [2, 10] : [40, 60]
      const times = Array.from({ length: first + counted }, () => timed(() => askAndTell(bench.trials, made)))
      line(`${name}, ${trials} trials`, times.slice(first), bar)
    }
  } finally {
    bench.close()
  }
}

function line(what: string, times: readonly Time[], bar: number): void {
  const [walls, cpus] = [times.map(({ wall }) => wall), times.map(({ cpu }) => cpu)]
  print(
    what,
    [quantile(walls, 0.5), quantile(walls, 0.9), quantile(cpus, 0.5), bar],
    (quantile(walls, 0.5) ?? Infinity) <= bar,
  )
}

function print(what: string, numbers: readonly (number | undefined)[], isMet: boolean): void {
  if (!isMet) process.exitCode = 1
  const cells = numbers.map((number) => String(Number(number?.toPrecision(3) ?? Number.NaN)).padStart(7))
  console.log(`${what.padEnd(30)} ${cells.join(' ')}   ${isMet ? 'pass' : 'FAIL'}`)
}

/** Which of ten parameters mattered in 10,000 trials, with its intervals. */
function measureImportances(): void {
  const history = historyAfter(10_000)
  const times = Array.from({ length: 10 }, (_, n) => timed(() => pedAnova(history, stream(n, 'importances'))))
  line('PED-ANOVA, 10000 trials', times.slice(2), 100)
}

/** Memory of a process that has opened a study of so many trials. They are written where no disk has to be waited for. */
function measureMemory(trials: number): void {
  const dir = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'panoptune-ask-'))
  try {
    const bench = openBench(dir)
    fillTo(bench.trials, trials)
    bench.close()
    const { time, megabytes } = inProcess(dir)
    print(`open ${trials} trials, MB`, [megabytes, megabytes, time.cpu, 150], megabytes <= 150)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

interface Opened {
  readonly time: Time
  /** The most that the process ever held. */
  readonly megabytes: number
}

/** What a new process takes to open the study and ask, its own start not counted. */
function inProcess(dir: string): Opened {
  return JSON.parse(execFileSync(process.execPath, [process.argv[1]!, 'open', dir], { encoding: 'utf8' })) as Opened
}

function openOnce(dir: string): void {
  const time = timed(() => {
    const bench = openBench(dir)
    askAndTell(bench.trials, SAMPLERS['tpe']!.make())
    bench.close()
  })
  const opened: Opened = { time, megabytes: process.resourceUsage().maxRSS / 1024 }
  console.log(JSON.stringify(opened))
}
