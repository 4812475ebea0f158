import { TuneError } from '../errors.ts'
import { lossAtStep, type Trial } from '../trial.ts'
import { quantile } from './numeric/quantile.ts'
import { verdict, type Pruner } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'

interface AshaOptions {
  /** The first step at which trials are compared. Default 1. */
  readonly first?: number
  /** Of the trials at a rung, one in `eta` goes on; rungs lie at first, first * eta, first * eta^2, ... Default 3. */
  readonly eta?: number
  /** How many other trials must have reached a rung before one is stopped there. Default 1. */
  readonly minTrials?: number
}

/**
 * Stops trials early, by asynchronous successive halving (Li et al. 2018, arXiv:1810.05934) in its stopping form: a
 * trial that reaches a rung goes on when it is among the best 1 / eta of the trials that reached it before, whatever
 * became of those. Nobody waits for anybody. The rungs are read from the stored reports.
 */
export function asha({ first = 1, eta = 3, minTrials = 1 }: AshaOptions = {}): Pruner {
  if (!(first >= 1))
    throw new TuneError('study/invalid', `asha({ first: ${first} }): the first rung must be at step 1 or later`)
  if (!(eta > 1))
    throw new TuneError('study/invalid', `asha({ eta: ${eta} }): eta must be greater than 1`, { hint: 'try 3' })
  return {
    name: 'asha',
    judge(trial, { goals, trials }) {
      const step = trial.reports.at(-1)?.step ?? 0
      if (!isRung(step, first, eta)) return undefined
      const goal = goals[0]!
      const lossHere = (candidate: Trial) => lossAtStep(goal, candidate, step)
      const loss = lossHere(trial) ?? Number.NaN
      const others = trials
        .filter((other) => other.number !== trial.number)
        .map(lossHere)
        .filter((other) => other !== undefined)
      if (others.length < minTrials && !Number.isNaN(loss)) return undefined
      const cutoff = quantile(others.map(worstIfNaN), 1 / eta) ?? Infinity
      return verdict(goal, { step, loss, cutoff, others: others.length }, `the best 1 in ${eta} of ${others.length}`)
    },
  }
}

/** Rungs are found by multiplying: a quotient of logarithms says 2.9999 for log 1000 / log 10. */
function isRung(step: number, first: number, eta: number): boolean {
  let rung = first
  while (Math.ceil(rung) < step) rung *= eta
  return Math.ceil(rung) === step
}
