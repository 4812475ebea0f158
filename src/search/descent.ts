import { philox, stream } from '../rng.ts'
import { levelAt, type Dim } from '../space.ts'
import { lossAt, type History, type Trial } from '../trial.ts'
import { evolve } from './generations.ts'
import {
  deviations,
  nextCma,
  populationFor,
  settingsFor,
  startCma,
  strangeness,
  warmCma,
  type Cma,
} from './numeric/cma.ts'
import { withMargin } from './numeric/margin.ts'
import { truncatedNormal } from './numeric/truncated.ts'
import { hasShown, orderOf } from './ranking.ts'

/** Where the search along numbers stands after some generations. */
export interface Descent {
  /** The dimensions that are numbers, or have levels in an order. */
  readonly numeric: readonly number[]
  readonly cma: Cma
  /** Trials of each generation. */
  readonly population: number
  readonly restarts: number
  /** The lowest loss of each generation since the last restart. */
  readonly lowest: readonly number[]
}

/** The deviation at the start, a sixth of the range: as Optuna. */
const FIRST_SPREAD = 1 / 6
/** The deviation after a restart from anywhere: that of an even spread. */
const WIDE_SPREAD = Math.sqrt(1 / 12)
/** Deviations below this share of the range tell no values apart that anyone would. */
const NARROWEST = 1e-9
/** The descent of a study. */
export function descentOf(population: number | undefined): (history: History) => Descent {
  return evolve({ first: ({ dims }) => first(dims, population), sizeOf: (descent) => descent.population, next })
}

function first(dims: readonly Dim[], population: number | undefined): Descent {
  const numeric = dims.flatMap((dim, d) => (dim.ordered && dim.levels > 1 ? [d] : []))
  const cma = startCma(new Float64Array(numeric.length).fill(0.5), FIRST_SPREAD)
  return { numeric, cma, population: population ?? populationFor(numeric.length), restarts: 0, lowest: [] }
}

/** The descent after a generation; a new one from a random place where it got stuck. */
function next(descent: Descent, generation: readonly Trial[], history: History): Descent {
  const { cma, numeric, population } = descent
  const { dims, goals } = history
  const losses = generation.map((trial) => lossAt(goals[0]!, trial)).filter((loss) => !Number.isNaN(loss))
  // Nothing is learned where all failed.
  if (losses.length === 0) return descent
  const samples = generation.toSorted(orderOf(history)).map((trial) => sampleOf(trial, descent, dims))
  // Later, lanes that lag behind draw from wider distributions.
  if (cma.generation === 0 && strangeness(cma, samples) > FOREIGN)
    return warmStarted(descent, history, generation.at(-1)!.number)
  const moved = nextCma(cma, samples, settingsFor(numeric.length, population))
  const lowest = [...descent.lowest, Math.min(...losses)]
  if (!moved || isStuck(moved, lowest, population)) return restarted(descent, history.trials[0]!.seed)
  const levels = numeric.map((d) => dims[d]!.levels)
  return { ...descent, cma: withMargin(moved, levels, 1 / (numeric.length * population)), lowest }
}

/**
 * The sample that a trial came from. A level stands for all samples that fall into it, and a coordinate that was switched
 * off for all: each is drawn again, by the trial's own stream.
 */
function sampleOf(trial: Trial, { cma, numeric }: Descent, dims: readonly Dim[]): Float64Array {
  const spread = deviations(cma)
  const word = philox(trial.seed, LATENT)
  return Float64Array.from(numeric, (d, i) => {
    const { levels } = dims[d]!
    const x = trial.point[d] ?? Number.NaN
    const u = (word() + 0.5) / 2 ** 32
    if (Number.isFinite(x) && levels === Infinity) return x
    const level = levelAt(x, levels)
    const low = level > 0 ? level / levels : -Infinity
    const high = level < levels - 1 ? (level + 1) / levels : Infinity
    return truncatedNormal(cma.mean[i]!, spread[i]!, low, high, u)
  })
}

/** Tells the draws below from others that follow from a trial's seed. */
const LATENT = 0xc3a

/** A generation that is as strange as this was not drawn from the first distribution: an even spread has 3. */
const FOREIGN = 2

/** A descent from the best tenth of the trials so far, which came from elsewhere. */
function warmStarted(descent: Descent, history: History, last: number): Descent {
  const earlier = history.trials.filter((trial) => hasShown(trial) && trial.number <= last).toSorted(orderOf(history))
  const good = earlier.slice(0, Math.ceil(earlier.length / 10))
  return { ...descent, cma: warmCma(good.map((trial) => sampleOf(trial, descent, history.dims))), lowest: [] }
}

/** Section B.3 of Hansen 2016: too narrow to matter, or as flat as a table for as long as it is worth waiting. */
function isStuck(cma: Cma, lowest: readonly number[], population: number): boolean {
  const recent = lowest.slice(-(10 + Math.ceil((30 * cma.mean.length) / population)))
  const isFlat = recent.length === 10 + Math.ceil((30 * cma.mean.length) / population) && new Set(recent).size === 1
  return isFlat || Math.max(...deviations(cma)) < NARROWEST
}

function restarted({ numeric, population, restarts }: Descent, seed: number): Descent {
  const rng = stream(seed, 'cmaes', 'restart', restarts)
  const mean = Float64Array.from(numeric, () => rng.uniform())
  return { numeric, cma: startCma(mean, WIDE_SPREAD), population: 2 * population, restarts: restarts + 1, lowest: [] }
}
