import { stream } from '../../src/rng.ts'
import { auto } from '../../src/search/auto.ts'
import { cmaes } from '../../src/search/cmaes.ts'
import { gp } from '../../src/search/gp.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import { random } from '../../src/search/random.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import { sobol } from '../../src/search/sobol.ts'
import { tpe } from '../../src/search/tpe.ts'
import { decodeSpace, encodeSpace, spaceDims, type Params } from '../../src/space.ts'
import type { Trial } from '../../src/trial.ts'
import { historyOf, trialOf } from '../../test/search/histories.ts'
import { optunaRegrets } from './optuna_side.ts'
import { readSurrogates } from './surrogates.ts'
import { readTables } from './tables.ts'
import type { HpoTask } from './task.ts'

const SAMPLERS: Readonly<Record<string, () => Sampler>> = { auto, cmaes, gp, random, sobol, tpe }

interface Ranked {
  readonly dir: string
  /** `tables`, `surrogates`. */
  readonly what: readonly string[]
  readonly samplers: readonly string[]
  readonly counts: readonly number[]
  readonly seeds: number
  /** A Python with Optuna: its default is ranked, too, on the tables. */
  readonly python?: string
}

/** Regrets by sampler, then by seed, then by count of evaluations. */
type Regrets = Readonly<Record<string, readonly (readonly number[])[]>>

/** Runs samplers on every task, prints their median regrets, and ranks them: 1 is the best of a task and seed. */
export async function rankSamplers({ dir, what, samplers, counts, seeds, python }: Ranked): Promise<void> {
  const tables = what.includes('tables') ? readTables(`${dir}/grids`) : []
  const surrogates = what.includes('surrogates') ? await readSurrogates(dir, 'lcbench') : []
  if (tables.length + surrogates.length === 0) return console.log(`no tables or surrogates at ${dir}`)
  const ranks: (readonly (readonly number[])[])[] = []
  const names = [...samplers, ...(python === undefined ? [] : ['optuna'])]
  console.log(`\nmedian regret of ${seeds} seeds after ${counts.join(', ')} evaluations`)
  for (const task of [...tables, ...surrogates]) {
    const ours: Record<string, (readonly number[])[]> = {}
    for (const name of samplers) {
      ours[name] = []
      for (let seed = 0; seed < seeds; seed++) ours[name].push(await regretsOf(SAMPLERS[name]!(), task, counts, seed))
    }
    const theirs =
      python !== undefined && tables.includes(task) ? optunaRegrets(python, dir, task, counts, seeds) : undefined
    const all: Regrets = { ...ours, ...(theirs && { optuna: theirs }) }
    for (const name of Object.keys(all)) console.log(task.name.padEnd(28), name.padEnd(7), medians(all[name]!, counts))
    ranks.push(counts.map((_, i) => meanRanks(names, all, seeds, i)))
  }
  console.log('\nmean rank over tasks and seeds')
  for (const [n, name] of names.entries()) {
    const means = counts.map((_, i) => average(ranks.map((task) => task[i]![n]!).filter(Number.isFinite)))
    console.log(name.padEnd(8), means.map((rank, i) => `${counts[i]} evaluations: ${rank.toFixed(2)}`).join('  '))
  }
  checkAuto(names, counts, ranks)
}

async function regretsOf(
  sampler: Sampler,
  task: HpoTask,
  counts: readonly number[],
  seed: number,
): Promise<readonly number[]> {
  const dims = spaceDims(task.space)
  const trials: Trial[] = []
  const found: { readonly loss: number; readonly truth: number }[] = []
  while (trials.length < Math.max(...counts)) {
    const number = trials.length
    const suggestion = sampler.suggest(historyOf(dims, [...trials]), stream(seed, 'suggest', number))
    if (!suggestion) break
    const params = decodeSpace(task.space, suggestion.point) as Params
    const result = await task.evaluate(params, seed)
    found.push(result)
    trials.push(trialOf(number, [result.loss], { point: encodeSpace(task.space, params), seed }))
  }
  return counts.map((count) => {
    const [best] = found.slice(0, count).filter(({ loss }) => Number.isFinite(loss)).toSorted((a, b) => a.loss - b.loss) // prettier-ignore
    return (best?.truth ?? Infinity) - task.lowest
  })
}

/** The mean over seeds of each sampler's rank; equal regrets share theirs. NaN for one that was not run. */
function meanRanks(names: readonly string[], all: Regrets, seeds: number, at: number): readonly number[] {
  const bySeed = Array.from({ length: seeds }, (_, seed) => {
    const regrets = names.map((name) => all[name]?.[seed]?.[at] ?? Number.NaN)
    return regrets.map((own) => (Number.isNaN(own) ? own : 0.5 + regrets.reduce((sum, other) => sum + (other < own ? 1 : other === own ? 0.5 : 0), 0))) // prettier-ignore
  })
  return names.map((_, n) => average(bySeed.map((ranks) => ranks[n]!)))
}

/** `auto` has to rank better than every other one but those that it is made of. */
function checkAuto(
  names: readonly string[],
  counts: readonly number[],
  ranks: readonly (readonly (readonly number[])[])[],
): void {
  const [own] = [names.indexOf('auto')]
  if (own === -1) return
  for (const other of ['tpe', 'random', 'optuna'].filter((name) => names.includes(name))) {
    for (const [i, count] of counts.entries()) {
      const compared = ranks.map((task) => [task[i]![own]!, task[i]![names.indexOf(other)]!] as const)
      const both = compared.filter(([, theirs]) => !Number.isNaN(theirs))
      const [ours, theirs] = [0, 1].map((side) => average(both.map((pair) => pair[side]!)))
      const isMet = ours! < theirs!
      if (!isMet) process.exitCode = 1
      console.log(
        `${isMet ? 'pass' : 'FAIL'}  auto at ${count}: mean rank ${ours!.toFixed(2)}, ${other}'s ${theirs!.toFixed(2)}`,
      )
    }
  }
}

function medians(regrets: readonly (readonly number[])[], counts: readonly number[]): string {
  return counts.map((_, i) => (quantile(regrets.map((run) => run[i]!), 0.5) ?? Number.NaN).toPrecision(3).padStart(10)).join('  ') // prettier-ignore
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
