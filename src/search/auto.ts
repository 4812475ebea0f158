import type { Dim } from '../space.ts'
import { lossOf, type Goal, type History, type Trial } from '../trial.ts'
import { cmaes } from './cmaes.ts'
import { columnsOf, encodingOf } from './encoding.ts'
import { gp } from './gp.ts'
import { finiteLosses } from './losses.ts'
import { populationFor } from './numeric/cma.ts'
import { leaveOneOut } from './numeric/leave_one_out.ts'
import { warped } from './numeric/warp.ts'
import { nsga2 } from './nsga2.ts'
import { hasShown, orderOf } from './ranking.ts'
import type { Sampler, Suggestion } from './sampler.ts'
import { surrogates } from './surrogate.ts'
import { tpe } from './tpe.ts'

type Arm = 'cmaes' | 'gp' | 'nsga2' | 'tpe'

/** Who suggests, who does now and then in case that was wrong, and why. */
interface Plan {
  readonly arm: Arm
  /** Absent before there is anything to doubt. */
  readonly runnerUp?: Arm
  readonly why: string
  /** The trials after which it took over from `gp`. */
  readonly since?: number
}

/** Beyond these, a Gaussian process takes longer to ask than it is worth. */
const MOST_TRIALS = 400
const MOST_DIMS = 50
/** Several goals are a model each. */
const MOST_TRIALS_OF_GOALS = 200
const MOST_GOALS = 3
/** One ask in so many goes to the runner-up. */
const INSURANCE = 8
/** Counts of trials after which it is looked whether a Gaussian process predicts them: each is a fit. */
const LOOKS = [30, 45, 70, 100, 150, 220, 320]
/** Trials for each dimension before that can be told. */
const TRIALS_A_DIM = 5
/** The least share of the variance that it has to predict. Of Rastrigin's ripples it predicts a third, and still leads. */
const LEAST_PREDICTED = 0.2

/**
 * The default: chooses the sampler that suits the space and what has been seen, and says which and why. A Gaussian
 * process (`gp`) for up to 400 trials of up to 50 parameters, as long as it predicts each trial from the others; the
 * slope of the results (`cmaes`) where it does not and most parameters are numbers, and for more trials; `tpe` where
 * choices prevail. Several goals: `gp`, and `nsga2` for more than 200 trials or 3 goals. The first trials are spread
 * evenly; after 30, every eighth is the runner-up's, in case the choice was wrong.
 */
export function auto(): Sampler {
  const arms: Readonly<Record<Arm, Sampler>> = { cmaes: cmaes(), gp: gp(), nsga2: nsga2(), tpe: tpe() }
  const predicted = predictor()
  return {
    name: 'auto',
    suggest(history, rng) {
      const { arm, runnerUp, why, since } = planFor(history, predicted)
      if (runnerUp && history.trials.length % INSURANCE === INSURANCE - 1)
        return saying(`${runnerUp}, now and then beside ${arm}`, arms[runnerUp].suggest(history, rng))
      const view = arm === 'cmaes' && since !== undefined ? handedOver(history, since) : history
      return saying(`${arm}, for ${why}`, arms[arm].suggest(view, rng))
    },
  }
}

function saying(chosen: string, suggestion: Suggestion | undefined): Suggestion | undefined {
  return suggestion && { ...suggestion, reason: `${chosen}: ${suggestion.reason}` }
}

function planFor(history: History, predicted: (trials: readonly Trial[], history: History) => number): Plan {
  const { dims, goals } = history
  const trials = history.trials.filter(hasShown)
  const varied = dims.filter(({ levels }) => levels > 1)
  if (goals.length > 1) return planForGoals(goals.length, trials.length, varied.length)
  if (varied.length > MOST_DIMS) return { arm: 'tpe', runnerUp: 'cmaes', why: `${varied.length} parameters` }
  if (trials.length >= MOST_TRIALS)
    return { ...learningSlopes(varied), why: `more than ${MOST_TRIALS} trials`, since: MOST_TRIALS }

  const looks = LOOKS.filter((look) => look <= trials.length && look >= TRIALS_A_DIM * varied.length)
  const shares = looks.map((look) => predicted(trials.slice(0, look), history))
  const share = shares.at(-1)
  if (share === undefined) return { arm: 'gp', why: 'few trials' }
  if (share >= LEAST_PREDICTED)
    return { arm: 'gp', runnerUp: 'tpe', why: `a model that predicts ${percent(share)} of what differs between trials` }
  const since = looks[shares.findLastIndex((earlier) => earlier >= LEAST_PREDICTED) + 1]!
  const why = `a Gaussian process predicts only ${percent(share)} of what differs between trials`
  return { ...learningSlopes(varied), why, since }
}

function planForGoals(goals: number, trials: number, dims: number): Plan {
  const isFew = goals <= MOST_GOALS && trials < MOST_TRIALS_OF_GOALS && dims <= MOST_DIMS
  if (isFew) return { arm: 'gp', runnerUp: 'nsga2', why: `${goals} goals and few trials` }
  return { arm: 'nsga2', runnerUp: 'tpe', why: `${goals} goals and many trials or parameters` }
}

/** Without a model of the landscape: slopes are there for numbers, not for choices. */
function learningSlopes(varied: readonly Dim[]): { readonly arm: Arm; readonly runnerUp: Arm } {
  const numbers = varied.filter(({ ordered }) => ordered)
  return 2 * numbers.length >= varied.length ? { arm: 'cmaes', runnerUp: 'tpe' } : { arm: 'tpe', runnerUp: 'cmaes' }
}

/**
 * The history as `cmaes` gets it when it takes over after some trials: the best of those are its first generation. The
 * others stand close together, and would narrow its search before it began.
 */
function handedOver(history: History, since: number): History {
  const before = history.trials.filter(hasShown).slice(0, since)
  const best = before.toSorted(orderOf(history)).slice(0, populationFor(history.dims.length))
  const last = before.at(-1)!.number
  return { ...history, trials: [...best, ...history.trials.filter(({ number }) => number > last)] }
}

/**
 * How much of what differs between trials a Gaussian process predicts; all of it where nothing does. It remembers what
 * it found at each look.
 */
function predictor(): (trials: readonly Trial[], history: History) => number {
  const surrogateOf = surrogates()
  const known = new Map<number, { readonly goal: Goal; readonly trials: readonly Trial[]; readonly share: number }>()
  return (trials, { dims, goals }) => {
    const goal = goals[0]!
    const before = known.get(trials.length)
    if (before && before.goal === goal && before.trials.every((trial, i) => trial === trials[i])) return before.share
    const points = trials.map(({ point }) => point)
    const losses = (count: number) => finiteLosses((metrics) => lossOf(goal, metrics), trials.slice(0, count))
    const { posterior, warp } = surrogateOf({ columns: columnsOf(encodingOf(dims), points), losses }, trials.length)
    const values = losses(trials.length).map((loss) => warped(warp, loss))
    const share = leaveOneOut(posterior, values) ?? 1
    known.set(trials.length, { goal, trials, share })
    return share
  }
}

function percent(share: number): string {
  return `${Math.round(100 * Math.max(0, share))} %`
}
