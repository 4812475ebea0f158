import type { Goal, History, Trial } from '../trial.ts'

/** Decides, after each report but a trial's last, whether it is worth going on. Pure. */
export interface Pruner {
  readonly name: string
  /**
   * Judges the trial in `history` by its newest report, which is worse than any other where it is NaN. Undefined where
   * there is nothing to decide, such as between rungs: it goes on. The baseline is never asked about.
   */
  judge(trial: Trial, history: History): Verdict | undefined
  /**
   * The paused trial that is worth going on most, asked whenever a slot is free, before the sampler is. Undefined where
   * none is. `isLast` when nothing runs and no new trial will come: what it does not name then, is pruned. Only a pruner
   * that pauses trials needs it.
   */
  promote?(history: History, isLast: boolean): Promotion | undefined
}

/** A decision, with all that made it. */
export interface Verdict {
  /** To pause is to wait, with all reports, until the pruner promotes the trial; then it makes at least one report more. */
  readonly action: 'keep' | 'stop' | 'pause' | 'promote'
  /** In a part of a sentence: `0.42 is worse than 0.37, the best third of 12 trials at step 3`. */
  readonly reason: string
  /** The numbers it was made from, by name. */
  readonly numbers: Readonly<Record<string, number>>
}

/** A paused trial that is to go on. */
export interface Promotion extends Verdict {
  readonly number: number
  readonly action: 'promote'
}

/**
 * Keeps a trial that is no worse than a cutoff, which is named as in "the median of 12 trials"; both are losses as
 * `lossesAtStep` gives them. A NaN is worse than anything.
 */
export function verdict(goals: readonly Goal[], numbers: Cutoff, named: string): Verdict {
  const isKept = numbers.loss <= numbers.cutoff
  const reason = `${goals.length === 1 ? byValue(goals[0]!, numbers) : byDomination(numbers)}, ${named}`
  return { action: isKept ? 'keep' : 'stop', reason, numbers: { ...numbers } }
}

interface Cutoff {
  readonly step: number
  readonly loss: number
  readonly cutoff: number
  readonly others: number
}

function byValue({ metric, direction }: Goal, { step, loss, cutoff }: Cutoff): string {
  const sign = direction === 'minimize' ? 1 : -1
  const [value, bound] = [loss, cutoff].map((number) => Number((sign * number).toPrecision(4)))
  return `${metric} ${value} at step ${step} is ${loss <= cutoff ? 'no worse' : 'worse'} than ${bound}`
}

/** With several goals a loss is how many others dominate the trial. */
function byDomination({ step, loss, cutoff }: Cutoff): string {
  if (Number.isNaN(loss)) return `a goal is NaN at step ${step}, and that is worse than any`
  const [count, bound] = [loss, cutoff].map((number) => Number(number.toPrecision(4)))
  return `at step ${step} it is dominated by ${count}, ${loss <= cutoff ? 'no more' : 'more'} than ${bound}`
}
