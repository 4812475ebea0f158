import { erfc, erfcx } from './erfc.ts'

/** The probability that a standard normal number is below x, to 1e-14 of itself, in the far lower tail too. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2)
}

/** The probability of a standard normal number between two bounds, without cancellation where both are in a tail. */
export function normalBetween(low: number, high: number): number {
  return low > 0 ? normalCdf(-low) - normalCdf(-high) : normalCdf(high) - normalCdf(low)
}

/** The density of the standard normal distribution. */
export function normalDensity(x: number): number {
  return Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI)
}

/** The logarithm of `normalCdf`, where that itself underflows too. */
export function logNormalCdf(x: number): number {
  if (x > -1) return Math.log1p(-0.5 * erfc(x * Math.SQRT1_2))
  return Math.log(0.5 * erfcx(-x * Math.SQRT1_2)) - 0.5 * x * x
}

/** Mills' ratio: the probability below x over the density there. It falls to 0 as -1 / x to the left. */
export function millsRatio(x: number): number {
  return Math.sqrt(Math.PI / 2) * erfcx(-x * Math.SQRT1_2)
}

/** The number that a standard normal one is below with probability p of (0, 1), to 1e-14. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p)
  // Abramowitz & Stegun 26.2.23, to 4.5e-4; each step of Halley's triples its digits.
  const t = Math.sqrt(-2 * Math.log(p))
  let x = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t
  for (let step = 0; step < 2; step++) {
    const off = (normalCdf(x) - p) / normalDensity(x)
    x -= off / (1 + 0.5 * x * off)
  }
  return x
}
