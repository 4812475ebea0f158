import { TuneError } from '../errors.ts'
import type { Rng } from '../rng.ts'
import { isActive, levelAt, levelCentre, type Dim, type Point } from '../space.ts'
import { lossAt, type History, type Trial } from '../trial.ts'
import { drawAllowed } from './points.ts'
import { orderOf } from './ranking.ts'
import type { Sampler } from './sampler.ts'
import { sobol } from './sobol.ts'

interface PbtOptions {
  /** Networks that train beside each other. Default 8. */
  readonly population?: number
  /** The share of them that are given up at each turn, and the share that they are replaced from, up to 0.5. Default 0.25. */
  readonly quantile?: number
  /** How far a copied number moves up or down, as a share of its range. Default 0.1. */
  readonly perturb?: number
  /** The chance of each copied parameter to be drawn anew. Default 0.25. */
  readonly resample?: number
}

/**
 * Finds schedules: population-based training (Jaderberg et al. 2017, arXiv:1711.09846), with truncation selection. Some
 * networks train in turns; each trial is one turn of one of them, of `budget.steps` reports, and begins from the weights
 * that another trial ended with (`trial.from`). Whoever is among the worst quarter of the population takes its next turn
 * with the weights and the parameters of one of the best quarter, each parameter moved a little or drawn anew; the others
 * go on as they are. Results that break constraints come after all that keep them. The line of trials that ends at the
 * best one is the schedule that was found.
 *
 * For parameters that may change while a network trains: rates, weights of losses, decay; not for its layers. Give the
 * budget `population` trials a turn, a population of several times the slots, and no pruner. Where a turn has failed, or
 * still runs, its network takes over one of the best quarter.
 */
export function pbt({ population = 8, quantile = 0.25, perturb = 0.1, resample = 0.25 }: PbtOptions = {}): Sampler {
  check('population', population, Number.isInteger(population) && population >= 2, 'a whole number from 2')
  check('quantile', quantile, quantile > 0 && quantile <= 0.5, 'a share above 0, and 0.5 at most')
  check('perturb', perturb, perturb > 0 && perturb <= 1, 'a share above 0, and 1 at most')
  check('resample', resample, resample >= 0 && resample <= 1, 'a chance from 0 to 1')
  const start = sobol()
  return {
    name: 'pbt',
    suggest(history, rng) {
      const { trials, dims } = history
      const number = (trials.at(-1)?.number ?? -1) + 1
      const standing = standings(history, population, number)
      if (number < population || standing.length === 0) return start.suggest(history, rng)
      const worst = Math.max(1, Math.floor(quantile * standing.length))
      const place = standing.findIndex((trial) => trial.number === number - population)
      const own = standing[place]
      const isAllowed = own !== undefined && (history.allows?.(own.point) ?? true)
      if (isAllowed && (place < standing.length - worst || standing.length === 1))
        return {
          point: own.point,
          from: own.number,
          reason: `trial ${own.number} goes on, ${placeText(place, standing)}`,
        }
      const model = standing[rng.below(worst)]!
      const point = drawAllowed(history, () => explored(dims, model.point, rng, { perturb, resample }), rng)
      const why = isAllowed ? `was ${placeText(place, standing)}` : own ? 'is not allowed' : 'has no result'
      return {
        point,
        from: model.number,
        reason: `takes over trial ${model.number}: trial ${number - population} ${why}`,
      }
    },
  }
}

/** The results of the newest turn before this one that has any, the best first: all of them trained as long. */
function standings(history: History, population: number, number: number): readonly Trial[] {
  const turnOf = (trial: Trial) => Math.floor(trial.number / population)
  const results = history.trials.filter(
    (trial) => isResult(history, trial) && turnOf(trial) < Math.floor(number / population),
  )
  const newest = Math.max(...results.map(turnOf))
  return results.filter((trial) => turnOf(trial) === newest).toSorted(orderOf(history))
}

/** Trials of a study that this one starts from have numbers below 0: their networks are kept there. */
function isResult({ goals }: History, trial: Trial): boolean {
  return trial.number >= 0 && trial.outcome.state === 'complete' && !Number.isNaN(lossAt(goals[0]!, trial))
}

/** A point near another: each coordinate moved up or down, or drawn anew. */
function explored(
  dims: readonly Dim[],
  point: Point,
  rng: Rng,
  { perturb, resample }: Required<Pick<PbtOptions, 'perturb' | 'resample'>>,
): Point {
  const moved: number[] = []
  for (const [d, dim] of dims.entries()) {
    const x = point[d] ?? Number.NaN
    const [isAnew, anew, direction] = [rng.uniform() < resample, rng.uniform(), rng.uniform() < 0.5 ? -1 : 1]
    // Where a choice has changed, a coordinate may be active that has no value yet.
    moved[d] = isAnew || Number.isNaN(x) ? anew : beside(dim, x, direction * perturb)
    if (!isActive(dims, moved, d)) moved[d] = Number.NaN
  }
  return moved
}

/** A coordinate so far from another: levels move by one at least, and options that have no order stay. */
function beside({ levels, ordered }: Dim, x: number, shift: number): number {
  if (levels === Infinity) return Math.min(1, Math.max(0, x + shift))
  if (!ordered) return x
  const step = Math.sign(shift) * Math.max(1, Math.round(Math.abs(shift) * levels))
  return levelCentre(Math.min(levels - 1, Math.max(0, levelAt(x, levels) + step)), levels)
}

function placeText(place: number, standing: readonly Trial[]): string {
  return `place ${place + 1} of ${standing.length}`
}

function check(name: keyof PbtOptions, value: number, isFine: boolean, wanted: string): void {
  if (!isFine) throw new TuneError('study/invalid', `pbt({ ${name}: ${value} }): ${wanted} is needed`)
}
