import { philox, type Rng } from '../../rng.ts'
import { isActive, levelAt, type Dim } from '../../space.ts'
import { isPlaced, lossAt, violationAt, type History, type Trial } from '../../trial.ts'
import { orderedDensity, unorderedDensity } from '../numeric/grid_density.ts'
import { quantile } from '../numeric/quantile.ts'
import type { Importance } from './importance.ts'

interface PedAnovaOptions {
  /** The share of trials that count as good, 0 to 1. Default 0.1. */
  readonly top?: number
  /** Resamples for the intervals, and as many for what chance makes. Default 100. */
  readonly resamples?: number
}

/** Cells into which a continuous dimension is cut, as in Optuna. */
const CELLS = 50

/**
 * How much each dimension has to do with being among the best trials: PED-ANOVA (Watanabe, Bansal and Hutter 2023,
 * arXiv:2304.10255), the Pearson divergence between where the best trials lie and where all do, as shares that sum to 1. A
 * conditional dimension counts by the trials in which it is active (Conditional PED-ANOVA, arXiv:2601.20800, theorem 4.2).
 * It says what decided in this study, by the complete trials there are; where a sampler sought what is good, that is not
 * the whole space. Ordered by share; empty for fewer than two good trials. Milliseconds for ten thousand trials.
 */
export function pedAnova(
  history: History,
  rng: Rng,
  { top = 0.1, resamples = 100 }: PedAnovaOptions = {},
): readonly Importance[] {
  const results = resultsOf(history)
  const trials = results.map(({ trial }) => trial)
  const good = goodOnes(
    results.map(({ loss }) => loss),
    top,
  )
  if (good < 2) return []
  const grids = history.dims.map((_, d) => gridOf(history.dims, d, trials))
  // Trials stand best first: the places below `good` are the good ones.
  const chosen = Int32Array.from({ length: good }, (_, i) => i)
  const below = quickly(rng)
  const divergences = grids.map((grid) => divergence(grid, chosen))
  const shares = sharesOf(divergences)
  const resampled = Array.from({ length: resamples }, () => {
    for (let i = 0; i < good; i++) chosen[i] = below(good)
    return grids.map((grid) => divergence(grid, chosen))
  })
  const chance = byChance(grids, good, trials.length, resamples, below)
  const spreads = [resampled.map(sharesOf), resampled.map((all) => sharesOf(withoutChance(all, chance.means)))]
  return history.dims
    .map(({ name }, d): Importance => {
      const ends = (part: number) =>
        spreads.map(
          (spread) =>
            quantile(
              spread.map((all) => all[d]!),
              part,
            ) ?? 0,
        )
      const [low, high] = [Math.min(...ends(0.025)), Math.max(...ends(0.975))]
      return { name, share: shares[d]!, low, high, isShown: divergences[d]! > chance.bound[d]! }
    })
    .toSorted((a, b) => b.share - a.share)
}

/**
 * Chance alone makes any trials diverge somewhat from all, and those that are drawn from them again, twice as much. So shares
 * by few trials are more alike than by many, and an interval holds what resamples say as it is, and less this.
 */
function withoutChance(divergences: readonly number[], means: readonly number[]): readonly number[] {
  return divergences.map((divergence, d) => Math.max(0, divergence - 2 * means[d]!))
}

/** The complete trials in the space, best first; those that break constraints come last. */
function resultsOf(history: History): readonly { readonly trial: Trial; readonly loss: number }[] {
  return history.trials
    .filter((trial) => trial.outcome.state === 'complete' && isPlaced(history, trial))
    .map((trial) => ({ trial, loss: lossAt(history.goals[0]!, trial), violation: violationAt(history, trial) }))
    .filter(({ loss }) => Number.isFinite(loss))
    .toSorted((a, b) => a.violation - b.violation || a.loss - b.loss || a.trial.number - b.trial.number)
}

/** How many of the losses, best first, count as good: those that equal the last of them do, too. */
function goodOnes(losses: readonly number[], top: number): number {
  let good = Math.ceil(top * losses.length)
  while (good > 0 && good < losses.length && losses[good] === losses[good - 1]) good++
  return good
}

/** Where all trials lie along a dimension. */
interface Grid {
  readonly isOrdered: boolean
  /** The cell of each trial; -1 where the dimension is switched off. */
  readonly cellOf: Int32Array
  /** How many trials it is active in. */
  readonly active: number
  readonly density: Float64Array
  /** Room to count in. */
  readonly counts: Float64Array
}

function gridOf(dims: readonly Dim[], d: number, trials: readonly Trial[]): Grid {
  const { levels, ordered, when } = dims[d]!
  const cells = Math.min(levels, ordered ? CELLS : levels)
  const cellOf = new Int32Array(trials.length)
  for (let i = 0; i < trials.length; i++) {
    const { point } = trials[i]!
    cellOf[i] = !when || isActive(dims, point, d) ? cellAt(point[d]!, levels, cells) : -1
  }
  const counts = new Float64Array(cells)
  const active = count(counts, cellOf)
  return { isOrdered: ordered, cellOf, active, density: densityOf(ordered, counts), counts }
}

/** The first and the last cell of a continuous dimension are half as wide: their middles are the ends. */
function cellAt(x: number, levels: number, cells: number): number {
  if (levels === cells) return levelAt(x, levels)
  return Math.min(cells - 1, Math.max(0, Math.ceil(x * (cells - 1) - 0.5)))
}

function densityOf(isOrdered: boolean, counts: Float64Array): Float64Array {
  return isOrdered ? orderedDensity(counts) : unorderedDensity(counts)
}

/** Pearson's divergence of the chosen trials from all, times alpha^2 / beta, their shares of trials with the dimension. */
function divergence({ isOrdered, cellOf, active, density, counts }: Grid, chosen: Int32Array): number {
  const here = countChosen(counts, cellOf, chosen)
  if (here === 0 || active < 2 || counts.length === 1) return 0
  const best = densityOf(isOrdered, counts)
  let sum = 0
  for (let cell = 0; cell < best.length; cell++) {
    const all = density[cell]! + 1e-12
    sum += all * ((best[cell]! + 1e-12) / all - 1) ** 2
  }
  return (sum * (here / chosen.length) ** 2 * cellOf.length) / active
}

function count(counts: Float64Array, cells: Int32Array): number {
  let active = 0
  for (const cell of cells) {
    if (cell < 0) continue
    counts[cell]!++
    active++
  }
  return active
}

function countChosen(counts: Float64Array, cellOf: Int32Array, chosen: Int32Array): number {
  counts.fill(0)
  let here = 0
  for (let i = 0; i < chosen.length; i++) {
    const cell = cellOf[chosen[i]!]!
    if (cell < 0) continue
    counts[cell]!++
    here++
  }
  return here
}

function sharesOf(divergences: readonly number[]): readonly number[] {
  const sum = divergences.reduce((total, divergence) => total + divergence, 0)
  return divergences.map((divergence) => (sum > 0 ? divergence / sum : 0))
}

/**
 * What the divergence of each dimension is by chance alone, on average, and the bound that it has to exceed: were the good
 * trials any, the largest excess among all dimensions, in deviations of each, would be below that 95 times in 100.
 */
function byChance(
  grids: readonly Grid[],
  good: number,
  trials: number,
  resamples: number,
  below: (n: number) => number,
): { readonly means: readonly number[]; readonly bound: readonly number[] } {
  const order = Int32Array.from({ length: trials }, (_, i) => i)
  const drawn = Array.from({ length: resamples }, () => {
    for (let i = 0; i < good; i++) swap(order, i, i + below(trials - i))
    const chosen = order.subarray(0, good)
    return grids.map((grid) => divergence(grid, chosen))
  })
  const means = grids.map((_, d) => average(drawn.map((all) => all[d]!)))
  const deviations = means.map((mean, d) => Math.sqrt(average(drawn.map((all) => (all[d]! - mean) ** 2))))
  const excess = drawn.map((all) => Math.max(...all.map((one, d) => (one - means[d]!) / (deviations[d]! || 1))))
  const most = quantile(excess, 0.95) ?? Infinity
  return { means, bound: means.map((mean, d) => mean + most * deviations[d]!) }
}

/** Draws with 32 bits each, of which hundreds of thousands are needed. */
function quickly(rng: Rng): (below: number) => number {
  const words = philox(rng.below(2 ** 32), rng.below(2 ** 32))
  return (below) => Math.floor((words() / 2 ** 32) * below)
}

function swap(order: Int32Array, i: number, j: number): void {
  const held = order[i]!
  order[i] = order[j]!
  order[j] = held
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
