import { TuneError } from '../errors.ts'
import type { Rng } from '../rng.ts'
import type { Point } from '../space.ts'
import { excessOf, lossOf, type Trial } from '../trial.ts'
import { acquisitionOf, sumOf, type Utility } from './acquisition.ts'
import { columnsOf, encodingOf } from './encoding.ts'
import { fantasize, logImprovement } from './expected_improvement.ts'
import { logFeasibility } from './feasibility.ts'
import { logHypervolume } from './hypervolume_improvement.ts'
import { finiteLosses, type Measure } from './losses.ts'
import { evenPoints, propose } from './mixed_search.ts'
import { supposing, type Posterior } from './numeric/gp_posterior.ts'
import type { Columns } from './numeric/matern.ts'
import { warped } from './numeric/warp.ts'
import { withoutInactive } from './points.ts'
import { rank, type Ranking } from './ranking.ts'
import type { Sampler } from './sampler.ts'
import { sobol } from './sobol.ts'
import { lastRefit, surrogates, type Surrogate } from './surrogate.ts'

interface GpOptions {
  /** Trials that are spread evenly before anything is learned. Default: twice the dimensions, from 6 to 20. */
  readonly startup?: number
}

/** Trials that a kernel is fitted to at most, half of them the best and half the newest: the cost grows with their cube. */
const MOST_FITTED = 300
/** Evenly spread points of which one is suggested where all that is proposed was tried before. */
const SPARE = 256

/**
 * Learns the whole landscape: a Gaussian process that says of every point what it expects there and how little it
 * knows, and suggests where the improvement to expect is largest. The best choice for trials that are dear: up to 300
 * of them, up to 20 parameters, numbers above all. Each suggestion takes some 10 to 100 ms.
 *
 * Matern 5/2 covariance with a lengthscale for each dimension (Snoek et al. 2012), whose priors grow with the dimensions
 * (Hvarfner et al. 2024); losses are warped where that makes them more probable (Cowen-Rivers et al. 2022, "HEBO"); the
 * improvement is expected below the lowest mean, not below the luckiest result, and in its logarithm (Ament et al.
 * 2023). Running trials count by draws of what may come of them. Pruned ones count as what they would have come to,
 * failed ones as the worst seen. With several goals: the expected hypervolume improvement. Constraints: times the
 * probability that they are kept.
 */
export function gp({ startup }: GpOptions = {}): Sampler {
  if (startup !== undefined && !(startup >= 1))
    throw new TuneError('study/invalid', `gp({ startup: ${startup} }): must be at least 1`)
  const start = sobol()
  const surrogateOf = surrogates()
  return {
    name: 'gp',
    suggest(history, rng) {
      const ranking = rank(history)
      const { dims } = history
      const varied = dims.filter(({ levels }) => levels > 1).length
      if (varied === 0 || ranking.ended.length < (startup ?? Math.max(6, Math.min(2 * varied, 20))))
        return start.suggest(history, rng)

      const encoding = encodingOf(history.dims)
      const { tried, fitted } = arranged(ranking)
      const data = columnsOf(encoding, tried.map(pointOf))
      const modelOf = (measure: Measure) =>
        surrogateOf({ columns: data, losses: (count) => finiteLosses(measure, tried.slice(0, count)) }, fitted)
      const models: Models = {
        goals: history.goals.map((goal) => modelOf((metrics) => lossOf(goal, metrics))),
        bounds: (history.constraints ?? []).map((bound) => modelOf((metrics) => excessOf(bound, metrics))),
        known: columnsOf(encoding, [...tried, ...ranking.pending].map(pointOf)),
      }
      const keeping = keepingAll(models)
      const worth = acquisitionOf(encoding, ...whatCounts(models, keeping, rng))
      const incumbents = models.goals.map(({ means }) => withoutGaps(tried[lowestOf(means, keeping)]!.point, rng))
      const { weights } = models.goals[0]!.posterior.kernel
      const proposals = propose(encoding, worth, incumbents, weights, rng).map(({ point }) => point)
      const isNew = (point: Point) => !isTried(point, history.trials)
      const points = [...proposals, ...evenPoints(encoding, SPARE, rng)].map((point) =>
        withoutInactive(dims, [...point]),
      )
      const point = points.find(isNew) ?? points[0]
      return point && { point, reason: reasonOf(models, keeping) }
    },
  }
}

/** What is believed of each goal and of what each constraint bounds, and all points, the running ones last. */
interface Models {
  readonly goals: readonly Surrogate[]
  readonly bounds: readonly Surrogate[]
  readonly known: Columns
}

/**
 * The trials that models are made of, and how many of the first ones kernels are fitted to: those that no running trial
 * precedes, for they will not change, or half of all at least. Of very many, the best of those and the newest.
 */
function arranged({ ended, pending }: Ranking): { readonly tried: readonly Trial[]; readonly fitted: number } {
  const byNumber = ended.toSorted((a, b) => a.number - b.number)
  const running = Math.min(...pending.map(({ number }) => number))
  const settled = byNumber.filter(({ number }) => number < running).length
  const count = lastRefit(Math.max(settled, Math.ceil(ended.length / 2)))
  if (count <= MOST_FITTED) return { tried: byNumber, fitted: count }
  const [first, later] = [byNumber.slice(0, count), byNumber.slice(count)]
  const isFirst = new Set(first)
  const best = new Set(ended.filter((trial) => isFirst.has(trial)).slice(0, MOST_FITTED / 2))
  const newest = first.filter((trial) => !best.has(trial)).slice(-MOST_FITTED / 2)
  const kept = [...best, ...newest].toSorted((a, b) => a.number - b.number)
  return { tried: [...kept, ...later], fitted: kept.length }
}

/** Which points are believed to keep all constraints. */
function keepingAll({ goals, bounds }: Models): readonly boolean[] {
  const limits = bounds.map(limitOf)
  return Array.from(goals[0]!.means, (_, i) => bounds.every(({ means }, b) => means[i]! <= limits[b]!))
}

/** Where an excess of 0 lies among the warped ones. */
function limitOf({ warp }: Surrogate): number {
  return warped({ ...warp, cap: Infinity }, 0)
}

/** The posteriors that a point is judged by, and how: by its constraints alone as long as nothing keeps them. */
function whatCounts(
  { goals, bounds, known }: Models,
  keeping: readonly boolean[],
  rng: Rng,
): [readonly Posterior[], Utility] {
  const parts: { readonly utility: Utility; readonly posteriors: readonly Posterior[] }[] = []
  if (keeping.includes(true))
    parts.push(goals.length > 1 ? volume(goals, keeping, known) : improvement(goals[0]!, keeping, known, rng))
  for (const bound of bounds) {
    const { posterior } = supposing(bound.posterior, known)
    parts.push({ utility: logFeasibility(posterior, limitOf(bound)), posteriors: [posterior] })
  }
  return [
    parts.flatMap(({ posteriors }) => posteriors),
    sumOf(parts.map(({ utility, posteriors }) => ({ utility, posteriors: posteriors.length }))),
  ]
}

function improvement({ posterior, means }: Surrogate, keeping: readonly boolean[], known: Columns, rng: Rng) {
  const best = Math.min(...means.filter((_, i) => keeping[i]))
  const fantasies = fantasize(posterior, known, best, rng)
  return { utility: logImprovement(fantasies), posteriors: [fantasies.posterior] }
}

function volume(goals: readonly Surrogate[], keeping: readonly boolean[], known: Columns) {
  const supposed = goals.map(({ posterior }) => supposing(posterior, known))
  const means = goals.map(({ means }, g) => [...means.filter((_, i) => keeping[i]), ...supposed[g]!.means])
  const points = means[0]!.map((_, i) => means.map((ofGoal) => ofGoal[i]!))
  const posteriors = supposed.map(({ posterior }) => posterior)
  return { utility: logHypervolume(posteriors, points), posteriors }
}

/** Where the lowest mean is, of points that keep the constraints where there are some. */
function lowestOf(means: Float64Array, keeping: readonly boolean[]): number {
  const allowed = keeping.includes(true) ? means.map((mean, i) => (keeping[i] ? mean : Infinity)) : means
  return allowed.indexOf(Math.min(...allowed))
}

function reasonOf({ goals, bounds }: Models, keeping: readonly boolean[]): string {
  const trials = `by what ${keeping.length} trials taught`
  if (!keeping.includes(true))
    return `the likeliest to keep all ${bounds.length === 1 ? 'of its constraint' : 'constraints'}, ${trials}`
  const gain = goals.length > 1 ? 'the largest gain of the front' : 'the largest improvement'
  return `${gain} to expect${bounds.length > 0 ? ' within the constraints' : ''}, ${trials}`
}

/** The point with some number where it has none. */
function withoutGaps(point: Point, rng: Rng): Float64Array {
  return Float64Array.from(point, (x) => (Number.isNaN(x) ? rng.uniform() : x))
}

function isTried(point: Point, trials: readonly Trial[]): boolean {
  const isSame = (x: number, y = Number.NaN) => (Number.isNaN(x) ? Number.isNaN(y) : Math.abs(x - y) < 1e-9)
  return trials.some((trial) => point.every((x, d) => isSame(x, trial.point[d])))
}

function pointOf({ point }: Trial): Point {
  return point
}
