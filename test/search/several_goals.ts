import type { Metrics, Outcome, Trial } from '../../src/trial.ts'
import { trialOf } from './histories.ts'

/** A trial whose one report has these metrics. It is complete unless another outcome is given. */
export function reporting(number: number, metrics: Metrics, outcome: Outcome = { state: 'complete' }): Trial {
  return { ...trialOf(number, [], { outcome }), reports: [{ step: 1, metrics, at: 0 }] }
}
