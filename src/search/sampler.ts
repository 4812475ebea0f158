import type { Rng } from '../rng.ts'
import type { Point } from '../space.ts'
import type { History } from '../trial.ts'

/**
 * Proposes what to try next. Pure: all it knows is the history it is handed, all its chance is the `rng`. Running and
 * interrupted trials are in the history too, so that two lanes do not try the same.
 */
export interface Sampler {
  readonly name: string
  /** Whether it may suggest again what was tried, for the chance in it. Default: then it is asked again. */
  readonly repeats?: boolean
  /** Undefined: nothing is left to try. */
  suggest(history: History, rng: Rng): Suggestion | undefined
}

/** What to try next. */
export interface Suggestion {
  /** A place in the unit cube, one coordinate a dimension; those switched off are ignored. */
  readonly point: Point
  /** Why this one: a part of a sentence that is kept with the trial, `one of 8 evenly spread trials`. */
  readonly reason: string
  /** A complete trial to begin from the end of, with its weights; undefined to begin anew. */
  readonly from?: number
}
