import type { Goal, History, Trial } from '../trial.ts'

/** Decides, after each report but a trial's last, whether it is worth going on. Pure. */
export interface Pruner {
  readonly name: string
  /**
   * Judges the trial in `history` by its newest report. Undefined where there is nothing to decide, such as between rungs:
   * it goes on. The baseline is never asked about.
   */
  judge(trial: Trial, history: History): Verdict | undefined
}

/** A decision, with all that made it. */
export interface Verdict {
  readonly action: 'keep' | 'stop'
  /** In a part of a sentence: `0.42 is worse than 0.37, the best third of 12 trials at step 3`. */
  readonly reason: string
  /** The numbers it was made from, by name. */
  readonly numbers: Readonly<Record<string, number>>
}

/**
 * Keeps a trial that is no worse than a cutoff, which is named as in "the median of 12 trials"; both are losses. A NaN is
 * worse than anything.
 */
export function verdict(goal: Goal, numbers: Cutoff, named: string): Verdict {
  const { loss, cutoff, step } = numbers
  const isKept = loss <= cutoff
  const sign = goal.direction === 'minimize' ? 1 : -1
  const [value, bound] = [loss, cutoff].map((number) => Number((sign * number).toPrecision(4)))
  const how = isKept ? 'is no worse than' : 'is worse than'
  const reason = `${goal.metric} ${value} at step ${step} ${how} ${bound}, ${named}`
  return { action: isKept ? 'keep' : 'stop', reason, numbers: { ...numbers } }
}

interface Cutoff {
  readonly step: number
  readonly loss: number
  readonly cutoff: number
  readonly others: number
}
