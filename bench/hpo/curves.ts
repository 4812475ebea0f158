import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { seedFor, shuffled, stream } from '../../src/rng.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import { quantile } from '../../src/search/numeric/quantile.ts'
import type { Goal } from '../../src/trial.ts'
import { simulate } from './simulate.ts'

/** Learning curves of one task; a NaN is where a training had diverged. Lower is better. */
export interface CurveTask {
  readonly name: string
  readonly curves: readonly Float32Array[]
  /** What each is truly worth at its end. Default: what it reports there. */
  readonly worth?: readonly number[]
  /** The first of the seeds by which runs are told apart. Default 0. */
  readonly seed?: number
}

interface CurvesFile {
  readonly name: string
  readonly n: number
  readonly fidelity: { readonly upper: number }
}

/** The recorded curves of a directory; the first array of each file is what is validated. */
export function readCurves(dir: string): readonly CurveTask[] {
  if (!existsSync(dir)) return []
  const names = readdirSync(dir).filter((name) => name.endsWith('.json'))
  return names.map((name) => {
    const { name: task, n, fidelity } = JSON.parse(readFileSync(join(dir, name), 'utf8')) as CurvesFile
    const bytes = readFileSync(join(dir, name.replace('.json', '.f32')))
    const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
    const curves = Array.from({ length: n }, (_, i) => values.subarray(i * fidelity.upper, (i + 1) * fidelity.upper))
    return { name: task, curves }
  })
}

/** What stopping early costs on a task to be as good as full evaluation. */
export interface Reached {
  /** Median regret of full evaluation of so many configurations. */
  readonly full: number
  /** Median regret of the pruner after the share of those epochs that is allowed. */
  readonly pruned: number
  /** The share of the epochs after which the pruner's median regret is that of full evaluation; Infinity beyond a half. */
  readonly share: number
}

const GOAL: Goal = { direction: 'minimize', metric: 'loss' }

/**
 * Evaluates so many configurations in full, and lets a pruner see configurations in the same random order until it has
 * spent as many epochs, over some seeds. A regret counts trials that were trained to their end alone.
 */
export function compareCurves(
  task: CurveTask,
  pruner: Pruner,
  { trials, seeds, share, slots }: { readonly trials: number; readonly seeds: number; readonly share: number; readonly slots: number }, // prettier-ignore
): Reached {
  const steps = task.curves[0]!.length
  const ends = task.curves.map((curve, i): Ending => ({ loss: lastOf(curve), worth: finite(task.worth?.[i] ?? lastOf(curve)) })) // prettier-ignore
  const lowest = Math.min(...ends.map(({ worth }) => worth))
  const budget = trials * steps
  const runs = Array.from({ length: seeds }, (_, n) => {
    const seed = n + (task.seed ?? 0)
    const order = shuffled([...task.curves.keys()], stream(seed, 'curves', task.name))
    const full = worthOf(order.slice(0, trials).map((i) => ends[i]!)) - lowest
    const epochs = regrets(pruner, order.map((i) => task.curves[i]!), order.map((i) => ends[i]!), { slots, budget: budget / 2, seed }) // prettier-ignore
    return { full, pruned: (spent: number) => epochs(spent) - lowest }
  })
  const full = median(runs.map((run) => run.full))
  const at = (part: number) => median(runs.map(({ pruned }) => pruned(part * budget)))
  const parts = Array.from({ length: 100 }, (_, i) => (i + 1) / 200)
  return { full, pruned: at(share), share: parts.find((part) => at(part) <= full) ?? Infinity }
}

/** What a trial reported last, and what that is truly worth. */
interface Ending {
  readonly loss: number
  readonly worth: number
}

/** What the trial is worth that reported the lowest loss: who chooses knows no more. */
function worthOf(ends: readonly Ending[]): number {
  return ends.reduce((best, end) => (end.loss < best.loss ? end : best), { loss: Infinity, worth: Infinity }).worth
}

/** What the best complete trial is worth by epochs spent. */
function regrets(
  pruner: Pruner,
  curves: readonly Float32Array[],
  ends: readonly Ending[],
  { slots, budget, seed }: { readonly slots: number; readonly budget: number; readonly seed: number },
): (epochs: number) => number {
  const found: { readonly epochs: number; readonly end: Ending }[] = []
  const seedOf = (number: number) => seedFor(seed, 'trial', number)
  simulate(pruner, GOAL, curves, { slots, budget, seedOf }, ({ outcome, number }, epochs) => {
    if (outcome.state === 'complete') found.push({ epochs, end: ends[number]! })
  })
  return (epochs) => worthOf(found.filter((one) => one.epochs <= epochs).map(({ end }) => end))
}

function lastOf(curve: Float32Array): number {
  return finite(curve.at(-1)!)
}

function finite(loss: number): number {
  return Number.isFinite(loss) ? loss : Infinity
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5) ?? Number.NaN
}
