/**
 * The value below which a fraction of some numbers lies, interpolated between neighbours as numpy and Ray do. Infinite
 * numbers are allowed, NaN is not. Undefined for no numbers.
 */
export function quantile(values: readonly number[], fraction: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b || 0)
  const place = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) return undefined
  return below === above || below === -Infinity ? below : below + (above - below) * (place % 1)
}
