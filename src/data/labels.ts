/** The label of a pixel whose segment is not listed. */
export const UNLISTED = 65_535

/** What labelling one image counted. */
export interface LabelCounts {
  /** Pixels of every listed segment. */
  readonly areas: Uint32Array
  /** Pixels whose id is not listed. */
  readonly unlisted: number
}

/**
 * Turns the ids of an image into labels: 0 is void, n is `segments[n - 1]`, 65535 is an id that is not listed.
 * Fills `labels`, one a pixel, and counts.
 */
export function labelPixels(
  ids: Uint32Array,
  segments: readonly { readonly id: number }[],
  labels: Uint16Array,
): LabelCounts {
  const labelOf = new Map([[0, 0], ...segments.map(({ id }, i) => [id, i + 1] as const)])
  const counts = new Uint32Array(segments.length + 1)
  let unlisted = 0
  for (let from = 0, to = 0; from < ids.length; from = to) {
    // Ids come in runs, and a run needs one look-up.
    const id = ids[from]!
    while (to < ids.length && ids[to] === id) to++
    const label = labelOf.get(id)
    labels.fill(label ?? UNLISTED, from, to)
    if (label === undefined) unlisted += to - from
    else counts[label]! += to - from
  }
  return { areas: counts.subarray(1), unlisted }
}
