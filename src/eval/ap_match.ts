import type { ScoredInstances } from './ap.ts'
import type { Group, Groups } from './ap_groups.ts'

/** numpy's `linspace(.5, .95, 10)`, to the bit. */
export const IOU_THRESHOLDS: readonly number[] = Array.from({ length: 10 }, (_, i) =>
  i === 9 ? 0.95 : 0.5 + i * ((0.95 - 0.5) / 9),
)
/** All, small, medium and large, in pixels; both ends belong to a range. */
export const AREA_RANGES: readonly (readonly [number, number])[] = [
  [0, 1e10],
  [0, 32 ** 2],
  [32 ** 2, 96 ** 2],
  [96 ** 2, 1e10],
]
const ALL_THRESHOLDS = (1 << IOU_THRESHOLDS.length) - 1

/** What became of each detection at each IoU threshold, a bit each; with neither bit it is ignored. */
export interface Outcomes {
  readonly hits: Uint16Array
  readonly misses: Uint16Array
}

/** By area range. */
export interface Matches {
  readonly outcomes: readonly Outcomes[]
  /** How much of each category there is to find. */
  readonly positives: readonly Uint32Array[]
}

/** Pairs detections with ground truth at each threshold, for each range of areas, as `COCOeval.evaluateImg` does. */
export function matchInstances(instances: ScoredInstances, { groups }: Groups): Matches {
  const matches = AREA_RANGES.map(() => ({
    hits: new Uint16Array(instances.detections.length),
    misses: new Uint16Array(instances.detections.length),
    positives: new Uint32Array(instances.categories.length),
  }))
  for (const group of groups) {
    const candidates = candidatesOf(instances, group)
    for (const [range, { hits, misses, positives }] of matches.entries()) {
      const ignored: boolean[] = []
      for (const g of group.truth) {
        const { isCrowd, area, category } = instances.truth[g]!
        const isIgnored = isCrowd || isOutside(area, range)
        ignored.push(isIgnored)
        if (!isIgnored) positives[category]! += 1
      }
      matchGroup(instances, group, candidates, ignored, range, { hits, misses })
    }
  }
  return { outcomes: matches, positives: matches.map(({ positives }) => positives) }
}

/** Ground truth that a detection could match at the lowest threshold, by its place in the group, as listed. */
interface Candidate {
  readonly truth: number
  readonly iou: number
}

/** For each detection of the group: IoUs are computed once, and most pairs are none from here on. */
function candidatesOf({ overlap }: ScoredInstances, { detections, truth }: Group): readonly Candidate[][] {
  const all: Candidate[][] = []
  for (const d of detections) {
    const candidates: Candidate[] = []
    for (let g = 0; g < truth.length; g++) {
      const iou = overlap(d, truth[g]!)
      if (iou >= IOU_THRESHOLDS[0]!) candidates.push({ truth: g, iou })
    }
    all.push(candidates)
  }
  return all
}

function matchGroup(
  instances: ScoredInstances,
  { detections, truth }: Group,
  candidates: readonly (readonly Candidate[])[],
  ignored: readonly boolean[],
  range: number,
  { hits, misses }: Outcomes,
): void {
  // A bit for each threshold at which a ground truth is taken; a crowd never is.
  const taken = ignored.map(() => 0)
  for (let i = 0; i < detections.length; i++) {
    const own = candidates[i]!
    let [hit, excused] = [0, 0]
    for (let t = 0; t < IOU_THRESHOLDS.length && own.length > 0; t++) {
      const bit = 1 << t
      const threshold = IOU_THRESHOLDS[t]!
      let g = bestCandidate(own, threshold, bit, taken, ignored, false)
      if (g < 0) g = bestCandidate(own, threshold, bit, taken, ignored, true)
      if (g < 0) continue
      const { id, isCrowd } = instances.truth[truth[g]!]!
      if (!isCrowd) taken[g]! |= bit
      if (ignored[g]) excused |= bit
      else if (id !== 0) hit |= bit
    }
    const d = detections[i]!
    hits[d] = hit
    misses[d] = isOutside(instances.detections[d]!.area, range) ? 0 : ALL_THRESHOLDS & ~(hit | excused)
  }
}

/** The free one with the highest IoU among the ignored ones or the others; of equal ones the last. -1 where none is. */
function bestCandidate(
  candidates: readonly Candidate[],
  threshold: number,
  bit: number,
  taken: readonly number[],
  ignored: readonly boolean[],
  wanted: boolean,
): number {
  let [best, least] = [-1, threshold]
  for (const { truth, iou } of candidates) {
    if (iou < least || ignored[truth] !== wanted || taken[truth]! & bit) continue
    best = truth
    least = iou
  }
  return best
}

function isOutside(area: number, range: number): boolean {
  const [least, most] = AREA_RANGES[range]!
  return area < least || area > most
}
