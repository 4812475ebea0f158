import { TuneError } from '../errors.ts'
import type { Rng } from '../rng.ts'
import type { Point } from '../space.ts'
import { lossAt, type Goal, type History, type Trial } from '../trial.ts'
import { drawPoint, logDensities, parzen, type Parzen } from './numeric/parzen.ts'
import { drawNearby, isRepeat } from './points.ts'
import { rank, type Ranking } from './ranking.ts'
import type { Sampler } from './sampler.ts'
import { sobol } from './sobol.ts'

interface TpeOptions {
  /** Trials that are spread evenly before anything is learned, the baseline among them. Default 8. */
  readonly startup?: number
  /** Points that are compared for each suggestion; more are greedier. Default 24. */
  readonly candidates?: number
  /** The share of trials that counts as good, though never more than 25 of them. Default 0.15. */
  readonly good?: number
}

/** The good trials of which a model is made at most. */
const MOST_GOOD = 25

/** The other trials of which a model is made at most: a density that more would hardly change, and asking stays quick. */
const MOST_OTHERS = 300

/**
 * Learns where good trials lie: a multivariate tree-structured Parzen estimator (Bergstra et al. 2011) with most of
 * the settings of Watanabe 2023 (arXiv:2304.11127). It models the density of the good trials and that of the others,
 * and suggests a point where the first is high against the second. Made for 20 to 1,000 trials, for choices and
 * conditional parameters, and for noise.
 *
 * Pruned trials inform it, as worse than complete ones; failed ones are worse still. Running ones count as bad until
 * they end, which keeps lanes apart. Where all parameters have levels, no combination comes twice while another is
 * left. With several goals, it looks at the first.
 */
export function tpe({ startup = 8, candidates = 24, good: share = 0.15 }: TpeOptions = {}): Sampler {
  if (!(candidates >= 1)) throw new TuneError('study/invalid', `tpe({ candidates: ${candidates} }): must be at least 1`)
  if (!(share > 0 && share < 1))
    throw new TuneError('study/invalid', `tpe({ good: ${share} }): must lie between 0 and 1`)
  const start = sobol()
  return {
    name: 'tpe',
    suggest(history, rng) {
      const ranking = rank(history)
      const { dims, trials, allows } = history
      const isNew = (point: Point) => (!allows || allows(point)) && !isRepeat(dims, point, trials)
      if (ranking.ended.length < startup) {
        const first = start.suggest(history, rng)
        if (first && isNew(first.point)) return first
        const other = draws(history, anywhere(history), candidates, rng).find(isNew)
        return other ? { point: other, reason: 'at random, for the evenly spread one was tried before' } : first
      }
      const [good, bad] = models(history, ranking, share)
      const likely = draws(history, good, candidates, rng)
      const fresh = likely.filter(isNew)
      const others = fresh.length > 0 ? fresh : draws(history, anywhere(history), candidates, rng).filter(isNew)
      const choices = others.length > 0 ? others : likely
      const [like, unlike] = [logDensities(good, choices), logDensities(bad, choices)]
      const point = highest(
        choices,
        like.map((density, i) => density - unlike[i]!),
      )
      const reason = `of ${choices.length} points the one most like the good of ${ranking.ended.length} trials and least like the others`
      return point && { point, reason }
    },
  }
}

/** The densities of the good trials, and of the others and those that have yet to show. */
function models({ dims, goals }: History, { ended, pending }: Ranking, share: number): readonly [Parzen, Parzen] {
  const count = Math.min(MOST_GOOD, Math.ceil(share * ended.length))
  const good = ended.slice(0, count)
  const bad = [...evenly(ended.slice(count), MOST_OTHERS), ...pending]
  const weights = improvements(goals[0]!, good, ended[count])
  return [
    parzen(dims, good.map(pointOf), weights),
    parzen(
      dims,
      bad.map(pointOf),
      bad.map(() => 1),
    ),
  ]
}

/** Every k-th of some items, and so some of each rank, where there are more than `most`. */
function evenly<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items
  return Array.from({ length: most }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / most)]!)
}

/**
 * The weights of the good trials: how far each is ahead of the first that is not good (section 3.2 of Watanabe 2023,
 * "expected improvement"). All alike where losses cannot be compared: among pruned trials, or when they are infinite.
 */
function improvements(goal: Goal, good: readonly Trial[], next: Trial | undefined): readonly number[] {
  const alike = good.map(() => 1)
  if (!next || [...good, next].some((trial) => trial.outcome.state !== 'complete')) return alike
  const gains = good.map((trial) => lossAt(goal, next) - lossAt(goal, trial))
  const total = gains.reduce((sum, gain) => sum + gain, 0)
  return total > 0 && total < Infinity ? gains.map((gain) => Math.max(1e-12, gain / total)) : alike
}

function anywhere({ dims }: History): Parzen {
  return parzen(dims, [], [])
}

function draws(history: History, density: Parzen, count: number, rng: Rng): readonly Point[] {
  const drawn = Array.from({ length: count }, () => drawNearby(history, () => drawPoint(density, rng)))
  return drawn.filter((point) => point !== undefined)
}

function highest(points: readonly Point[], scores: readonly number[]): Point | undefined {
  return points[scores.indexOf(Math.max(...scores))]
}

function pointOf(trial: Trial): Point {
  return trial.point
}
