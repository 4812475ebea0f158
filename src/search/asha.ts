import { TuneError } from '../errors.ts'
import { lossesAtStep } from './at_step.ts'
import { quantile } from './numeric/quantile.ts'
import { promotion } from './promotion.ts'
import { verdict, type Pruner } from './pruner.ts'
import { worstIfNaN } from './ranking.ts'
import { firstRung, isRung } from './rungs.ts'

interface AshaOptions {
  /** The first step at which trials are compared. Default: the steps of a trial by `eta ** 3`, but 1 at least: three rungs. */
  readonly first?: number
  /** Of the trials at a rung, one in `eta` goes on; rungs lie at first, first * eta, first * eta^2, ... Default 3. */
  readonly eta?: number
  /** How many other trials must have reached a rung before one is stopped there, or promoted from there. Default 1. */
  readonly minTrials?: number
  /**
   * `stopping` decides at each rung for good. `promotion` pauses a trial there, and takes the best up again as others come:
   * no good trial is lost for having come early, and weak ones cost a rung and no more. It pays where trials keep a
   * checkpoint, as `trainModel` does, and where there are many of them. Default `stopping`.
   */
  readonly form?: 'stopping' | 'promotion'
}

/**
 * Stops trials early, by asynchronous successive halving (Li et al. 2018, arXiv:1810.05934): a trial that reaches a rung
 * goes on when it is among the best 1 / eta of the trials that reached it before, whatever became of those. Nobody waits
 * for anybody. The rungs are read from the stored reports.
 */
export function asha({ first: given, eta = 3, minTrials = 1, form = 'stopping' }: AshaOptions = {}): Pruner {
  if (given !== undefined && !(given >= 1))
    throw new TuneError('study/invalid', `asha({ first: ${given} }): the first rung must be at step 1 or later`)
  if (!(eta > 1))
    throw new TuneError('study/invalid', `asha({ eta: ${eta} }): eta must be greater than 1`, { hint: 'try 3' })
  if (!['stopping', 'promotion'].includes(form))
    throw new TuneError('study/invalid', `asha({ form: '${form}' }): the form is 'stopping' or 'promotion'`)
  if (form === 'promotion') return { name: 'asha', ...promotion({ first: given, eta, minTrials }) }
  return {
    name: 'asha',
    judge(trial, { goals, trials, steps }) {
      const first = given ?? firstRung(steps, eta)
      const step = trial.reports.at(-1)?.step ?? 0
      if (!isRung(step, first, eta)) return undefined
      const all = trials.filter((other) => other.number !== trial.number)
      const [loss = Number.NaN, ...theirs] = lossesAtStep(goals, [trial, ...all], step)
      const others = theirs.filter((other) => other !== undefined)
      if (others.length < minTrials && !Number.isNaN(loss)) return undefined
      const cutoff = quantile(others.map(worstIfNaN), 1 / eta) ?? Infinity
      return verdict(goals, { step, loss, cutoff, others: others.length }, `the best 1 in ${eta} of ${others.length}`)
    },
  }
}
