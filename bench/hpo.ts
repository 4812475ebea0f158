/*
 * Pruners and samplers on real benchmarks: recorded learning curves, tables of full grids, and surrogates of lcbench.
 *   npm run bench -- hpo [--what curves,tables,surrogates] [--seeds 20] [--dir ../shared/hpo]
 *     [--pruners asha,...] [--trials 100] [--slots 1]  [--samplers auto,gp,tpe,random] [--evaluations 25,50,100]
 *     [--python /usr/bin/python3]
 * Curves: the share of the epochs of full evaluation after which a pruner's median regret is as low, over three times the
 * seeds, for a run takes no time, and of 20 the medians still differ by as much as pruners do; on curves that were made, too,
 * of kinds that nothing was chosen by: their regret is of what is truly best, under the noise. Tables and surrogates:
 * the mean rank of each sampler across tasks. With --python, Optuna's default on the tables, too, where that has it.
 */
import { parseArgs } from 'node:util'
import { asha } from '../src/search/asha.ts'
import { curves } from '../src/search/curves.ts'
import { hyperband } from '../src/search/hyperband.ts'
import { median } from '../src/search/median.ts'
import type { Pruner } from '../src/search/pruner.ts'
import { compareCurves, readCurves } from './hpo/curves.ts'
import { madeCurves } from './hpo/made_curves.ts'
import { rankSamplers } from './hpo/rank_samplers.ts'

/** Pruners by name, and the share of the epochs of full evaluation that some may take. */
const PRUNERS: Readonly<Record<string, { readonly pruner: () => Pruner; readonly share?: number }>> = {
  asha: { pruner: () => asha(), share: 1 / 5 },
  promotion: { pruner: () => asha({ form: 'promotion' }), share: 1 / 6 },
  hyperband: { pruner: () => hyperband() },
  curves: { pruner: () => curves() },
  median: { pruner: () => median() },
}

const { values } = parseArgs({
  options: {
    what: { type: 'string', default: 'curves,tables,surrogates' },
    dir: { type: 'string', default: '../shared/hpo' },
    seeds: { type: 'string', default: '20' },
    pruners: { type: 'string', default: Object.keys(PRUNERS).join() },
    trials: { type: 'string', default: '100' },
    slots: { type: 'string', default: '1' },
    samplers: { type: 'string', default: 'auto,gp,tpe,random' },
    evaluations: { type: 'string', default: '25,50,100' },
    python: { type: 'string' },
  },
})
const seeds = Number(values.seeds)
const what = values.what.split(',')
if (what.includes('curves')) measureCurves()
if (what.includes('tables') || what.includes('surrogates')) {
  const { dir, python } = values
  const [samplers, counts] = [values.samplers.split(','), values.evaluations.split(',').map(Number)]
  await rankSamplers({ dir, what, samplers, counts, seeds, ...(python !== undefined && { python }) })
}

function measureCurves(): void {
  const recorded = readCurves(`${values.dir}/curves`)
  if (recorded.length === 0) console.log(`no learning curves at ${values.dir}/curves`)
  const tasks = [...recorded, ...madeCurves()]
  console.log(
    `\nlearning curves, ${3 * seeds} seeds: regret of full evaluation and of a pruner, and the share of its epochs`,
  )
  for (const name of values.pruners.split(',')) {
    for (const trials of values.trials.split(',').map(Number)) measurePruner(name, trials, tasks)
  }
}

function measurePruner(name: string, trials: number, tasks: ReturnType<typeof readCurves>): void {
  const { pruner, share } = PRUNERS[name] ?? {}
  if (!pruner) throw new Error(`unknown pruner '${name}'`)
  const options = { trials, seeds: 3 * seeds, share: share ?? 1 / 5, slots: Number(values.slots) }
  for (const task of tasks) {
    const reached = compareCurves(task, pruner(), options)
    const isMet = share === undefined || reached.pruned <= reached.full
    // The bars are for recorded curves: what made ones reach is for whoever reads it.
    if (!isMet && !task.worth) process.exitCode = 1
    console.log(
      [
        name.padEnd(10),
        `${trials} trials`.padStart(10),
        task.name.padEnd(38),
        `full ${reached.full.toFixed(4)}`,
        `after ${(100 * options.share).toFixed(1)} % ${reached.pruned.toFixed(4)}`,
        (reached.share <= 0.5 ? `as low after ${(100 * reached.share).toFixed(1)} %` : 'not as low after 50 %').padEnd(
          22,
        ),
        share === undefined ? '' : isMet ? 'pass' : task.worth ? 'missed' : 'FAIL',
      ].join('  '),
    )
  }
}
