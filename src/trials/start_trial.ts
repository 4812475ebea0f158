import { isTuneError } from '../errors.ts'
import type { Start, StudyStore } from '../store/store.ts'
import type { Trial } from '../trial.ts'

/** A trial that starts; undefined where another program, such as Optuna, has just taken it: then there is another one. */
export function startTrial(trials: StudyStore, start: Start): Trial | undefined {
  try {
    return trials.start(start)
  } catch (error) {
    if (isTuneError(error) && error.code === 'store/taken') return undefined
    throw error
  }
}
