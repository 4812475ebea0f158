import { percentile } from './percentile.ts'
import type { Pruner } from './pruner.ts'

interface MedianOptions {
  /** Steps at the start of each trial at which it is left alone. Default 0. */
  readonly warmupSteps?: number
  /** Complete trials that must have reported a step before another is stopped there. Default 5. */
  readonly minTrials?: number
}

/**
 * Stops a trial whose best report so far is worse than the median of what complete trials reported at the same step.
 * Gentler than `asha`: half of the trials go on at each step. With several goals, a trial is compared by how many others
 * dominate its newest report. (Golovin et al. 2017, "Google Vizier"; as in Optuna.)
 */
export function median(options: MedianOptions = {}): Pruner {
  return { ...percentile({ ...options, percent: 50 }), name: 'median' }
}
