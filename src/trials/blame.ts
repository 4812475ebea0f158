import { isTuneError, TuneError } from '../errors.ts'
import { failureOf } from './report.ts'

/** Calls a function that a study may bring along: what it throws is the study's mistake, not ours. */
export function blame<T>(who: string, call: () => T): T {
  try {
    return call()
  } catch (error) {
    if (isTuneError(error)) throw error
    throw new TuneError('study/invalid', `${who} threw: ${failureOf(error).message}`, { cause: error })
  }
}
