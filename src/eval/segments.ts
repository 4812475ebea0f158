import type { Segment } from '../data/image_set.ts'
import type { Counts } from './pq.ts'

/** A segment of a prediction: label n of its map is `segments[n - 1]`. */
export interface PredictedSegment {
  /** Index into the categories of the ground truth. */
  readonly category: number
}

/**
 * Pixels by pair of labels, `pixels[truth * columns + prediction]`. Label 0 is void, label n the nth listed segment; the
 * last row and the last column hold every label above the listed ones.
 */
export interface JointHistogram {
  readonly pixels: Uint32Array
  readonly columns: number
}

/** The joint histogram of two label maps of the same size, with so many listed segments each. */
export function jointHistogram(
  truth: Uint16Array,
  prediction: Uint16Array,
  truthSegments: number,
  predictedSegments: number,
): JointHistogram {
  const [lastRow, lastColumn] = [truthSegments + 1, predictedSegments + 1]
  const columns = lastColumn + 1
  const pixels = new Uint32Array((lastRow + 1) * columns)
  // One addition a run of equal pairs: adding pixel by pixel to one bin waits for its own last store (2 ns a pixel).
  let from = 0
  while (from < truth.length) {
    const [g, p] = [truth[from]!, prediction[from]!]
    let to = from + 1
    while (to < truth.length && truth[to] === g && prediction[to] === p) to++
    pixels[Math.min(g, lastRow) * columns + Math.min(p, lastColumn)]! += to - from
    from = to
  }
  return { pixels, columns }
}

/**
 * Adds to `counts` what one image contributes, by the rules of panopticapi's `pq_compute_single_core` (7bb4655), its
 * quirks included: a ground-truth area is what the JSON says, void is taken out of the prediction only, and of several
 * crowds of a class the last one listed excuses. A predicted segment without pixels is none.
 */
export function countSegments(
  joint: JointHistogram,
  truth: readonly Segment[],
  prediction: readonly PredictedSegment[],
  counts: Counts,
): void {
  // A listed id 0 is a segment and void at once.
  const onVoid = row(joint, truth.findIndex(({ id }) => id === 0) + 1)
  const pair: Pair = { joint, truth, prediction, onVoid, areas: columnSums(joint) }
  const matched = countMatches(pair, counts)
  countMisses(truth, matched.truth, counts)
  countFalsePositives(pair, matched.prediction, counts)
}

/** The category of a ground-truth segment whose class the data set does not define: it is never reported. */
export const UNDEFINED_CATEGORY = -1

/** One image and what is asked of it often: pixels on void and in all, by the label of the prediction. */
interface Pair {
  readonly joint: JointHistogram
  readonly truth: readonly Segment[]
  readonly prediction: readonly PredictedSegment[]
  readonly onVoid: Uint32Array
  readonly areas: Float64Array
}

/** Which segments of each side are matched; 0 or 1. */
interface Matched {
  readonly truth: Uint8Array
  readonly prediction: Uint8Array
}

function countMatches({ joint, truth, prediction, onVoid, areas }: Pair, counts: Counts): Matched {
  const matched = { truth: new Uint8Array(truth.length), prediction: new Uint8Array(prediction.length) }
  for (const g of inOrderOfIds(truth)) {
    const { category, isCrowd, area } = truth[g]!
    if (isCrowd) continue
    const intersections = row(joint, g + 1)
    for (let p = 0; p < prediction.length; p++) {
      const intersection = intersections[p + 1]!
      if (intersection === 0 || prediction[p]!.category !== category) continue
      const iou = intersection / (areas[p + 1]! + area - intersection - onVoid[p + 1]!)
      if (!(iou > 0.5)) continue
      counts.tp[category]! += 1
      counts.iou[category]! += iou
      matched.truth[g] = matched.prediction[p] = 1
    }
  }
  return matched
}

function countMisses(truth: readonly Segment[], matched: Uint8Array, counts: Counts): void {
  for (const [g, { category, isCrowd }] of truth.entries()) {
    if (!isCrowd && !matched[g] && category !== UNDEFINED_CATEGORY) counts.fn[category]! += 1
  }
}

/** A prediction without a match is excused where more than half of it lies on void or on the crowd of its class. */
function countFalsePositives(
  { joint, truth, prediction, onVoid, areas }: Pair,
  matched: Uint8Array,
  counts: Counts,
): void {
  const crowds = new Map(truth.flatMap(({ category, isCrowd }, g) => (isCrowd ? [[category, row(joint, g + 1)]] : [])))
  for (const [p, { category }] of prediction.entries()) {
    const area = areas[p + 1]!
    if (matched[p] || area === 0) continue
    const onCrowd = crowds.get(category)?.[p + 1] ?? 0
    if ((onVoid[p + 1]! + onCrowd) / area <= 0.5) counts.fp[category]! += 1
  }
}

/** The order of panopticapi's sums: with right areas only the last bit depends on it. */
function inOrderOfIds(truth: readonly Segment[]): readonly number[] {
  return Array.from(truth.keys()).toSorted((a, b) => truth[a]!.id - truth[b]!.id)
}

function row({ pixels, columns }: JointHistogram, label: number): Uint32Array {
  return pixels.subarray(label * columns, (label + 1) * columns)
}

function columnSums({ pixels, columns }: JointHistogram): Float64Array {
  const sums = new Float64Array(columns)
  for (let i = 0; i < pixels.length; i++) sums[i % columns]! += pixels[i]!
  return sums
}
