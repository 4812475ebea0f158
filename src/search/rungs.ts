/** Rungs below the last step where a study names no first one: of trials that pass them all, one in 27 is left. */
const RUNGS = 3

/**
 * Where the first rung lies unless a study says so: as low as three of them below the last step need, `steps / eta ** 3`, for
 * lower ones see more of chance than of a trial, and at step 1 or later. Step 1 where it is not known how many there are.
 */
export function firstRung(steps: number | undefined, eta: number): number {
  let first = steps ?? 1
  for (let rung = 0; rung < RUNGS && first / eta >= 1 - ROUNDING; rung++) first /= eta
  return first
}

/**
 * Whether a step is one of the rungs `first`, `first * eta`, `first * eta^2`, ..., each rounded up. Found by multiplying: a
 * quotient of logarithms says 2.9999 for log 1000 / log 10.
 */
export function isRung(step: number, first: number, eta: number): boolean {
  let rung = first
  while (Math.ceil(rung - ROUNDING) < step) rung *= eta
  return Math.ceil(rung - ROUNDING) === step
}

/** What divisions and multiplications may add to a whole number of steps. */
const ROUNDING = 1e-9
