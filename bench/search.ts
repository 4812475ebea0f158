/*
 * The quality of our samplers against Optuna 5's, on the seven functions on which it was measured: medians and quartiles
 * of regret over seeds, and Mann and Whitney's p against its counterpart there.
 *   npm run bench -- search [--functions branin,...] [--samplers auto,tpe,cmaes] [--seeds 20] [--evaluations 50,100,200]
 *     [--workers 1,8] [--optuna ../shared/hpo/optuna_baseline.json] [--keep results/search.jsonl]
 * `--workers 1,8` also simulates 8 asynchronous workers. Without Optuna's results, ours are shown alone. `--keep` goes on
 * with what an earlier run of the same code left there. `--functions levy6,michalewicz5,classifiers,noisy_styblinski5`
 * are those that nothing was tuned on.
 */
import { parseArgs } from 'node:util'
import { auto } from '../src/search/auto.ts'
import { cmaes } from '../src/search/cmaes.ts'
import { gp } from '../src/search/gp.ts'
import { nsga2 } from '../src/search/nsga2.ts'
import { random } from '../src/search/random.ts'
import type { Sampler } from '../src/search/sampler.ts'
import { sobol } from '../src/search/sobol.ts'
import { tpe } from '../src/search/tpe.ts'
import { quantile } from '../src/search/numeric/quantile.ts'
import { bars, bestOf, compare, type Result } from './search/bars.ts'
import { HELD_BACK } from './search/held_back.ts'
import { keeping } from './search/kept.ts'
import { readOptuna } from './search/optuna.ts'
import { runStudy } from './search/run_study.ts'
import { TASKS } from './search/tasks.ts'

const SAMPLERS: Readonly<Record<string, () => Sampler>> = { auto, cmaes, gp, nsga2, random, sobol, tpe }

const { values } = parseArgs({
  options: {
    functions: { type: 'string', default: Object.keys(TASKS).join() },
    samplers: { type: 'string', default: 'auto,gp,tpe,cmaes' },
    seeds: { type: 'string', default: '20' },
    evaluations: { type: 'string', default: '50,100,200' },
    workers: { type: 'string', default: '1' },
    optuna: { type: 'string', default: '../shared/hpo/optuna_baseline.json' },
    keep: { type: 'string' },
  },
})
const counts = values.evaluations.split(',').map(Number)
const optuna = readOptuna(values.optuna)
if (!optuna) console.log(`no results of Optuna at ${values.optuna}: ours are shown alone`)

const runOnce = keeping(values.keep)
const results: Result[] = []
for (const fn of values.functions.split(',')) {
  for (const name of values.samplers.split(',')) {
    for (const workers of values.workers.split(',').map(Number)) measure(fn, name, workers)
  }
}
if (optuna)
  for (const { what, isMet } of bars(results, optuna)) {
    console.log(`${isMet ? 'pass' : 'FAIL'}  ${what}`)
    if (!isMet) process.exitCode = 1
  }

function measure(fn: string, name: string, workers: number): void {
  const [task, sampler] = [TASKS[fn] ?? HELD_BACK[fn], SAMPLERS[name]]
  if (!task || !sampler) throw new Error(`unknown function '${fn}' or sampler '${name}'`)
  const runs = Array.from({ length: Number(values.seeds) }, (_, seed) =>
    runOnce(`${fn} ${name} x${workers} seed ${seed} at ${counts.join()}`, () => {
      const before = process.cpuUsage()
      const regrets = runStudy(sampler(), task, { seed, workers, counts })
      return { regrets, seconds: process.cpuUsage(before).user / 1e6 }
    }),
  )
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0) / runs.length
  for (const [i, evaluations] of counts.entries()) {
    const result = { fn, sampler: name, workers, evaluations, regrets: runs.map(({ regrets }) => regrets[i]!) }
    results.push(result)
    console.log(
      [
        fn.padEnd(16),
        name.padEnd(7),
        String(evaluations).padStart(4),
        workers === 1 ? '' : `x${workers}`,
        spread(result.regrets),
        ...beside(result),
      ].join('  '),
    )
  }
  console.log(`${''.padEnd(16)}  ${name.padEnd(7)}  ${seconds.toFixed(2)} s of CPU a study`)
}

function spread(regrets: readonly number[]): string {
  const [low, median, high] = [0.25, 0.5, 0.75].map((fraction) => (quantile(regrets, fraction) ?? 0).toPrecision(3))
  return `${median!.padStart(9)} ${`[${low}, ${high}]`.padEnd(22)}`
}

function beside(result: Result): readonly string[] {
  if (!optuna) return []
  const theirs = compare(result, optuna)
  const best = bestOf(result, optuna)
  return [
    theirs ? `${theirs.counterpart} ${theirs.median.toPrecision(3).padEnd(8)} p ${theirs.p.toFixed(4)}` : '',
    best ? `best ${best.median.toPrecision(3)} (${best.sampler})` : '',
  ]
}
