/** A box below some bounds and above others; a low bound may be -Infinity. */
export interface Box {
  readonly low: readonly number[]
  readonly high: readonly number[]
}

/**
 * Boxes that tile what lies below `reference` and is dominated by no point of a front, lower being better: by slabs
 * along the last dimension, within each of which the front of the points below it decides.
 */
export function undominatedBoxes(front: readonly (readonly number[])[], reference: readonly number[]): readonly Box[] {
  const last = reference.length - 1
  const inside = front
    .filter((point) => point.every((x, d) => x < reference[d]!))
    .toSorted((a, b) => a[last]! - b[last]!)
  if (last === 0) return [{ low: [-Infinity], high: [inside[0]?.[0] ?? reference[0]!] }]
  const bounds = [-Infinity, ...new Set(inside.map((point) => point[last]!)), reference[last]!]
  return bounds.slice(1).flatMap((high, i) => {
    const low = bounds[i]!
    const below = inside.filter((point) => point[last]! <= low).map((point) => point.slice(0, last))
    return undominatedBoxes(below, reference.slice(0, last)).map((box) => ({
      low: [...box.low, low],
      high: [...box.high, high],
    }))
  })
}
