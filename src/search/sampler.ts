import type { Rng } from '../rng.ts'
import type { Point } from '../space.ts'
import type { History } from '../trial.ts'

/**
 * Proposes what to try next. Pure: all it knows is the history it is handed, all its chance is the `rng`. Running and
 * interrupted trials are in the history too, so that two lanes do not try the same.
 */
export interface Sampler {
  readonly name: string
  /** A point of the unit cube, one coordinate a dimension; those switched off are ignored. Undefined: nothing left. */
  suggest(history: History, rng: Rng): Point | undefined
}
