/**
 * Whether a step is one of the rungs `first`, `first * eta`, `first * eta^2`, ..., each rounded up. Found by multiplying: a
 * quotient of logarithms says 2.9999 for log 1000 / log 10.
 */
export function isRung(step: number, first: number, eta: number): boolean {
  let rung = first
  while (Math.ceil(rung) < step) rung *= eta
  return Math.ceil(rung) === step
}
