import { TuneError } from '../errors.ts'
import type { Rng } from '../rng.ts'
import type { Dim, Point } from '../space.ts'
import { lossOf, type History, type Trial } from '../trial.ts'
import { acquisitionOf, sumOf, type Utility } from './acquisition.ts'
import { columnsOf, encodingOf, snapped, type Encoding } from './encoding.ts'
import { fantasize, leaders, logImprovement } from './expected_improvement.ts'
import { logFeasibility } from './feasibility.ts'
import { logHypervolume } from './hypervolume_improvement.ts'
import { finiteExcesses, finiteLosses } from './losses.ts'
import { evenPoints, propose } from './mixed_search.ts'
import { supposing, type Posterior } from './numeric/gp_posterior.ts'
import type { Columns } from './numeric/matern.ts'
import { warped } from './numeric/warp.ts'
import { broughtWithin } from './points.ts'
import { rank, type Ranking } from './ranking.ts'
import type { Sampler } from './sampler.ts'
import { sobol } from './sobol.ts'
import { lastRefit, surrogates, type Surrogate, type SurrogateOf } from './surrogate.ts'

interface GpOptions {
  /** Trials that are spread evenly before anything is learned. Default: twice the dimensions, from 6 to 20. */
  readonly startup?: number
}

/** Trials that a kernel is fitted to at most, half of them the best and half the newest: the cost grows with their cube. */
const MOST_FITTED = 300
/** A variance of noise, beside one of 1 of all results, from which on means are not taken for the truth. */
const NOISY = 1e-3
/** Of more running trials than these, what they come to is drawn: those that are believed come to stand on each other. */
const MOST_BELIEVED = 8
/** Trials whose surroundings are looked at closely. */
const LOWEST = 5
/** The part of the ended trials that kernels are fitted to, at least. */
const FITTED = 0.9
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
 * 2023). Running trials count by draws of what may come of them, or by turns as if they came to what is expected. Pruned
 * ones count as what they would have come to, failed ones as the worst seen. With several goals: the expected hypervolume improvement. Constraints: times the
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
      const varied = history.dims.filter(({ levels }) => levels > 1).length
      const early = startup ?? Math.max(6, Math.min(2 * varied, 20))
      const encoding = encodingOf(history.dims)
      if (varied === 0 || isEarly(ranking, early)) {
        const first = start.suggest(history, rng)
        return first && { ...first, point: firstNew(history, encoding, [first.point], rng) }
      }
      const models = modelsOf(history, encoding, ranking, surrogateOf)
      const keeping = keepingAll(models)
      const worth = acquisitionOf(encoding, ...whatCounts(models, keeping, history.trials.length, rng))
      const lowest = models.goals.map(({ means }) => lowestOf(means, keeping).map((i) => models.tried[i]!.point))
      const incumbents = lowest.map(([point]) => point!)
      const surrounded = [...lowest.flat(), ...ranking.pending.map(pointOf)]
      const { weights } = models.goals[0]!.posterior.kernel
      const proposals = propose(encoding, worth, { incumbents, surrounded }, weights, rng, history.allows)
      const points = proposals.map(({ point }) => broughtWithin(history, [...point]))
      return { point: firstNew(history, encoding, points, rng), reason: reasonOf(models, keeping) }
    },
  }
}

/** Running trials are spread out as well: with half of the first ones ended, there is something to learn from. */
function isEarly({ ended, pending }: Ranking, early: number): boolean {
  return ended.length + Math.min(ended.length, pending.length) < early
}

/** The first point that is allowed and was not tried before, or some other; one that is allowed where all were tried. */
function firstNew(history: History, encoding: Encoding, points: readonly Point[], rng: Rng): Point {
  const { dims, trials, allows } = history
  const isAllowed = allows ?? (() => true)
  const isNew = (point: Point) => isAllowed(point) && !trials.some((trial) => isSame(dims, point, trial.point))
  const first = points.find(isNew)
  if (first) return first
  const others = evenPoints(encoding, SPARE, rng).map((point) => broughtWithin(history, [...point]))
  return others.find(isNew) ?? [...points, ...others].find(isAllowed) ?? points[0]!
}

/** Points are the same where each coordinate has the same level or number, but for rounding, or is off in both. */
function isSame(dims: readonly Dim[], a: Point, b: Point): boolean {
  return dims.every((dim, d) => {
    const [x, y] = [snapped(dim, a[d]!), snapped(dim, b[d]!)]
    return Number.isNaN(x) ? Number.isNaN(y) : Math.abs(x - y) < 1e-9
  })
}

/** What is believed of each goal and of what each constraint bounds, by the trials that were tried. */
interface Models {
  readonly tried: readonly Trial[]
  readonly goals: readonly Surrogate[]
  readonly bounds: readonly Surrogate[]
  /** All points, the running ones last. */
  readonly known: Columns
}

function modelsOf(history: History, encoding: Encoding, ranking: Ranking, surrogateOf: SurrogateOf): Models {
  const { tried, fitted } = arranged(ranking)
  const columns = columnsOf(encoding, tried.map(pointOf))
  const modelOf = (lossesOf: (trials: readonly Trial[]) => Float64Array) =>
    surrogateOf({ columns, losses: (count) => lossesOf(tried.slice(0, count)) }, fitted)
  return {
    tried,
    goals: history.goals.map((goal) => modelOf((trials) => finiteLosses((metrics) => lossOf(goal, metrics), trials))),
    bounds: (history.constraints ?? []).map((bound) => modelOf((trials) => finiteExcesses(bound, trials))),
    known: columnsOf(encoding, [...tried, ...ranking.pending].map(pointOf)),
  }
}

/**
 * The trials that models are made of, and how many of the first ones kernels are fitted to: those that no running trial
 * precedes, for they will not change, or nearly all at least. Of very many, the best of those and the newest.
 */
function arranged({ ended, pending }: Ranking): { readonly tried: readonly Trial[]; readonly fitted: number } {
  const byNumber = ended.toSorted((a, b) => a.number - b.number)
  const running = Math.min(...pending.map(({ number }) => number))
  const settled = byNumber.filter(({ number }) => number < running).length
  const count = lastRefit(Math.max(settled, Math.ceil(FITTED * ended.length)))
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
  number: number,
  rng: Rng,
): [readonly Posterior[], Utility] {
  const parts: { readonly utility: Utility; readonly posteriors: readonly Posterior[] }[] = []
  if (keeping.includes(true))
    parts.push(
      goals.length > 1 ? volume(goals, keeping, known) : improvement(goals[0]!, keeping, known, number % 2 === 0, rng),
    )
  for (const bound of bounds) {
    const { posterior } = supposing(bound.posterior, known)
    parts.push({ utility: logFeasibility(posterior, limitOf(bound)), posteriors: [posterior] })
  }
  return [
    parts.flatMap(({ posteriors }) => posteriors),
    sumOf(parts.map(({ utility, posteriors }) => ({ utility, posteriors: posteriors.length }))),
  ]
}

/**
 * The improvement to expect below the lowest mean or, where results are noisy, below what is truly lowest of the points
 * with the lowest means: expecting it below a mean alone, one tries the same place again and again.
 *
 * By turns, a few running trials are believed to come to their means (Ginsbourger et al. 2010, "kriging believer"), and are
 * drawn. Where the draws of one are lucky, so are those further down the same slope: lanes run ahead of each other. But
 * below the luckiest draws too little is left to expect near a summit, and lanes would keep away from it.
 */
function improvement(
  { posterior, means }: Surrogate,
  keeping: readonly boolean[],
  known: Columns,
  isBelieving: boolean,
  rng: Rng,
) {
  const allowed = means.map((mean, i) => (keeping[i] ? mean : Infinity))
  const isNoisy = posterior.kernel.noise > NOISY
  const columns = isNoisy ? withRepeats(known, leaders(posterior, allowed)) : known
  const areBelieved = isBelieving && known.count - means.length <= MOST_BELIEVED
  const believed = areBelieved ? supposing(posterior, known) : { posterior, means: [] }
  const best = Math.min(...believed.means, ...(isNoisy ? [] : allowed))
  const fantasies = fantasize(believed.posterior, columns, best, rng)
  return { utility: logImprovement(fantasies), posteriors: [fantasies.posterior] }
}

/** Points, and some of them once more behind them all. */
function withRepeats({ count, columns, isCategory }: Columns, repeated: readonly number[]): Columns {
  const longer = columns.map((column) => Float64Array.of(...column, ...repeated.map((i) => column[i]!)))
  return { count: count + repeated.length, columns: longer, isCategory }
}

function volume(goals: readonly Surrogate[], keeping: readonly boolean[], known: Columns) {
  const supposed = goals.map(({ posterior }) => supposing(posterior, known))
  const means = goals.map(({ means }, g) => [...means.filter((_, i) => keeping[i]), ...supposed[g]!.means])
  const points = means[0]!.map((_, i) => means.map((ofGoal) => ofGoal[i]!))
  const posteriors = supposed.map(({ posterior }) => posterior)
  return { utility: logHypervolume(posteriors, points), posteriors }
}

/** Where the lowest means are, the lowest first, of points that keep the constraints where there are some. */
function lowestOf(means: Float64Array, keeping: readonly boolean[]): readonly number[] {
  const places = [...means.keys()].filter((i) => keeping[i] || !keeping.includes(true))
  return places.toSorted((a, b) => means[a]! - means[b]!).slice(0, LOWEST)
}

function reasonOf({ goals, bounds }: Models, keeping: readonly boolean[]): string {
  const trials = `by what ${keeping.length} trials taught`
  if (!keeping.includes(true))
    return `the likeliest to keep all ${bounds.length === 1 ? 'of its constraint' : 'constraints'}, ${trials}`
  const gain = goals.length > 1 ? 'the largest gain of the front' : 'the largest improvement'
  return `${gain} to expect${bounds.length > 0 ? ' within the constraints' : ''}, ${trials}`
}

function pointOf({ point }: Trial): Point {
  return point
}
