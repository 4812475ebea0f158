import type { ScoredInstances } from './ap.ts'

/** The instances in the orders in which COCOeval compares and ranks them, as places in the lists they came in. */
export interface Groups {
  readonly groups: readonly Group[]
  /** The detections of each category, best first over all images; equal scores in the order of images, then as listed. */
  readonly byCategory: readonly Uint32Array[]
  /** Place of each detection in its group: the best has 0. */
  readonly rank: Uint32Array
}

/** What there is of one category in one image. */
export interface Group {
  /** Best first, equal scores as listed; no more than count. */
  readonly detections: Uint32Array
  /** As listed. */
  readonly truth: Uint32Array
}

/** Sorts the instances; of a category in an image no more than `limit` detections count. */
export function groupInstances({ categories, images, truth, detections }: ScoredInstances, limit: number): Groups {
  const byImage = sortBy('image', images, detections, indices(detections.length))
  const byScore = byImage.toSorted((a, b) => detections[b]!.score - detections[a]!.score)
  const rank = new Uint32Array(detections.length)
  const sortedTruth = sortBy('image', images, truth, indices(truth.length))
  const truthOf = split('category', categories.length, truth, sortedTruth)
  const detectionsOf = split('category', categories.length, detections, sortBy('image', images, detections, byScore))
  const groups = detectionsOf.flatMap((own, category) => {
    const ofImage = groupByImage(detections, own)
    const truthOfImage = groupByImage(truth, truthOf[category]!)
    for (const group of ofImage.values()) for (let i = 0; i < group.length; i++) rank[group[i]!] = i
    return [...new Set([...truthOfImage.keys(), ...ofImage.keys()])].map((image) => ({
      detections: ofImage.get(image)?.subarray(0, limit) ?? NONE,
      truth: truthOfImage.get(image) ?? NONE,
    }))
  })
  return { groups, byCategory: split('category', categories.length, detections, byScore), rank }
}

const NONE = new Uint32Array(0)

type Key = 'image' | 'category'
type Keyed = readonly Readonly<Record<Key, number>>[]

/** Sorted by a key below `keys`; stable. */
function sortBy(key: Key, keys: number, items: Keyed, order: Uint32Array): Uint32Array {
  const next = starts(key, keys, items)
  const sorted = new Uint32Array(order.length)
  for (const i of order) sorted[next[items[i]![key]]!++] = i
  return sorted
}

/** Those of each key below `keys`, in their order. */
function split(key: Key, keys: number, items: Keyed, order: Uint32Array): readonly Uint32Array[] {
  const from = starts(key, keys, items)
  const sorted = sortBy(key, keys, items, order)
  return Array.from({ length: keys }, (_, k) => sorted.subarray(from[k], from[k + 1]))
}

/** Where the items of each key begin once they are sorted; one more for the end. */
function starts(key: Key, keys: number, items: Keyed): Uint32Array {
  const starts = new Uint32Array(keys + 1)
  for (const item of items) starts[item[key] + 1]! += 1
  for (let k = 0; k < keys; k++) starts[k + 1]! += starts[k]!
  return starts
}

/** Cuts a list that is sorted by images into one for each image that occurs. */
function groupByImage(items: Keyed, order: Uint32Array): ReadonlyMap<number, Uint32Array> {
  const groups = new Map<number, Uint32Array>()
  let from = 0
  for (let i = 1; i <= order.length; i++) {
    const { image } = items[order[from]!]!
    if (i < order.length && items[order[i]!]!.image === image) continue
    groups.set(image, order.subarray(from, i))
    from = i
  }
  return groups
}

function indices(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i)
}
