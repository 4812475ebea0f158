import { isTuneError } from '../../src/errors.ts'

/** The code, message and hint of the `TuneError` that something throws. */
export function thrown(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (isTuneError(error)) return `${error.code}: ${error.message}; ${error.hint ?? ''}`
    throw error
  }
  return 'nothing was thrown'
}
