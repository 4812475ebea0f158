import type { Dim } from '../space.ts'
import type { History } from '../trial.ts'
import { cmaes } from './cmaes.ts'
import { gp } from './gp.ts'
import { populationFor } from './numeric/cma.ts'
import { nsga2 } from './nsga2.ts'
import { hasShown, orderOf } from './ranking.ts'
import type { Sampler, Suggestion } from './sampler.ts'
import { tpe } from './tpe.ts'

type Arm = 'cmaes' | 'gp' | 'nsga2' | 'tpe'

/** Who suggests, who does now and then in case that was wrong, and why. */
interface Plan {
  readonly arm: Arm
  /** Absent before there is anything to doubt. */
  readonly runnerUp?: Arm
  readonly why: string
}

/** Beyond these, a Gaussian process takes longer to ask than it is worth. */
const MOST_TRIALS = 400
const MOST_DIMS = 50
/** Several goals are a model each. */
const MOST_TRIALS_OF_GOALS = 200
const MOST_GOALS = 3
/** One ask in so many goes to the runner-up. */
const INSURANCE = 8
/** Trials, and those for each dimension, before there is anything to doubt. */
const EARLY = 30
const EARLY_A_DIM = 5

/**
 * The default: chooses the sampler that suits the space and the trials, and says which and why. A Gaussian process
 * (`gp`) for up to 400 trials of up to 50 parameters; for more trials, the slope of the results (`cmaes`) where most
 * parameters are numbers and `tpe` where choices prevail. Several goals: `gp`, and `nsga2` for more than 200 trials or 3
 * goals. The first trials are spread evenly; after 30, every eighth is the runner-up's, in case the choice was wrong.
 */
export function auto(): Sampler {
  const arms: Readonly<Record<Arm, Sampler>> = { cmaes: cmaes(), gp: gp(), nsga2: nsga2(), tpe: tpe() }
  return {
    name: 'auto',
    suggest(history, rng) {
      const { arm, runnerUp, why } = planFor(history)
      if (runnerUp && history.trials.length % INSURANCE === INSURANCE - 1)
        return saying(`${runnerUp}, now and then beside ${arm}`, arms[runnerUp].suggest(history, rng))
      const view = arm === 'cmaes' ? handedOver(history) : history
      return saying(`${arm}, for ${why}`, arms[arm].suggest(view, rng))
    },
  }
}

function saying(chosen: string, suggestion: Suggestion | undefined): Suggestion | undefined {
  return suggestion && { ...suggestion, reason: `${chosen}: ${suggestion.reason}` }
}

function planFor(history: History): Plan {
  const { dims, goals } = history
  const trials = history.trials.filter(hasShown)
  const varied = dims.filter(({ levels }) => levels > 1)
  if (goals.length > 1) return planForGoals(goals.length, trials.length, varied.length)
  if (varied.length > MOST_DIMS) return { arm: 'tpe', runnerUp: 'cmaes', why: `${varied.length} parameters` }
  if (trials.length >= MOST_TRIALS) return { ...learningSlopes(varied), why: `more than ${MOST_TRIALS} trials` }
  if (trials.length < Math.max(EARLY, EARLY_A_DIM * varied.length)) return { arm: 'gp', why: 'few trials' }
  return { arm: 'gp', runnerUp: 'tpe', why: `fewer than ${MOST_TRIALS} trials` }
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
 * The history as `cmaes` gets it when it takes over from `gp`: the best trials are its first generation. The others stand
 * close together, and would narrow its search before it began.
 */
function handedOver(history: History): History {
  const before = history.trials.filter(hasShown).slice(0, MOST_TRIALS)
  const best = before.toSorted(orderOf(history)).slice(0, populationFor(history.dims.length))
  const last = before.at(-1)!.number
  return { ...history, trials: [...best, ...history.trials.filter(({ number }) => number > last)] }
}
