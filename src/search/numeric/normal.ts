/**
 * The probability that a standard normal number is below x: to 1e-15, and to 8 digits of it in the far lower tail.
 * Hart's rational approximation and continued fraction (1968) as in West 2005, "Better approximations to cumulative
 * normal functions".
 */
export function normalCdf(x: number): number {
  const tail = lowerTail(Math.abs(x))
  return x > 0 ? 1 - tail : tail
}

/** The probability of a standard normal number between two bounds, without cancellation where both are in a tail. */
export function normalBetween(low: number, high: number): number {
  return low > 0 ? normalCdf(-low) - normalCdf(-high) : normalCdf(high) - normalCdf(low)
}

/** The probability below -x, for x of at least 0. */
function lowerTail(x: number): number {
  if (x > 37) return 0
  const bell = Math.exp(-0.5 * x * x)
  if (x >= 5 * Math.SQRT2) return bell / (x + 1 / (x + 2 / (x + 3 / (x + 4 / (x + 0.65))))) / Math.sqrt(2 * Math.PI)
  let above = 3.52624965998911e-2 * x + 0.700383064443688
  above = above * x + 6.37396220353165
  above = above * x + 33.912866078383
  above = above * x + 112.079291497871
  above = above * x + 221.213596169931
  above = above * x + 220.206867912376
  let below = 8.83883476483184e-2 * x + 1.75566716318264
  below = below * x + 16.064177579207
  below = below * x + 86.7807322029461
  below = below * x + 296.564248779674
  below = below * x + 637.333633378831
  below = below * x + 793.826512519948
  below = below * x + 440.413735824752
  return (bell * above) / below
}
