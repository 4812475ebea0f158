import { TuneError } from '../errors.ts'
import { lossOf, type Goal, type Trial } from '../trial.ts'
import type { Pruner, Verdict } from './pruner.ts'

interface PatientOptions {
  /** Reports that a trial may make without getting better before it may be stopped. Default 3. */
  readonly steps?: number
  /** What counts as getting better: by more than so much of the first goal's metric. Default 0. */
  readonly least?: number
}

/**
 * Another pruner, that stops no trial as long as that gets better on its first goal: `patient(median(), { steps: 4 })`. For
 * noisy or late curves, where one bad report says little. Unlike Optuna's PatientPruner, to stay where one is counts as not
 * getting better. (Prechelt 1998, "Early stopping - but when?".)
 */
export function patient(pruner: Pruner, { steps = 3, least = 0 }: PatientOptions = {}): Pruner {
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new TuneError(
      'study/invalid',
      `patient(..., { steps: ${steps} }): patience is a whole number of reports from 1`,
    )
  return {
    ...pruner,
    name: `patient ${pruner.name}`,
    judge(trial, history) {
      const verdict = pruner.judge(trial, history)
      if (verdict?.action !== 'stop') return verdict
      const gain = gainOf(history.goals[0]!, trial, steps)
      return gain > least ? spared(verdict, gain) : verdict
    },
  }
}

/** By how much the best of the last reports is better than the best before; Infinity for a trial that has made no more. */
function gainOf(goal: Goal, { reports }: Trial, steps: number): number {
  const losses = reports.map(({ metrics }) => lossOf(goal, metrics))
  if (Number.isNaN(losses.at(-1))) return -Infinity
  if (losses.length <= steps) return Infinity
  const [before, after] = [losses.slice(0, -steps), losses.slice(-steps)].map(lowest)
  return before! - after!
}

function lowest(losses: readonly number[]): number {
  return Math.min(...losses.filter((loss) => !Number.isNaN(loss)))
}

function spared({ reason, numbers }: Verdict, gain: number): Verdict {
  const why =
    gain === Infinity ? 'it has hardly begun' : `it gained ${Number(gain.toPrecision(4))} within its last reports`
  return { action: 'keep', reason: `${reason}, but ${why}`, numbers: { ...numbers, gain } }
}
