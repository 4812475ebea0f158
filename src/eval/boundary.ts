import type { Category, Segment } from '../data/image_set.ts'
import type { IdImage } from '../data/png.ts'
import { interiorOf } from './interior.ts'
import { emptyCounts, type Counts } from './pq.ts'
import { UNDEFINED_CATEGORY } from './segments.ts'

/** A predicted segment, by the index of its category. */
export type BoundarySegment = Pick<Segment, 'id' | 'category'>

/** One side of an image: ids by pixel, and the segments listed for them in the order of the JSON, no id twice. */
export interface BoundarySide<S> {
  readonly map: IdImage
  readonly segments: readonly S[]
}

/**
 * What one image adds to Boundary PQ (Cheng et al. 2021), to the digit as boundary-iou-api computes it: a pair's IoU is
 * the smaller of its masks' IoU and of their boundaries' IoU; all else is as in panopticapi. The prediction was checked:
 * its size is that of the ground truth, and what it lists is what it paints.
 */
export function boundaryCounts(
  truth: BoundarySide<Segment>,
  prediction: BoundarySide<BoundarySegment>,
  categories: readonly Category[],
): Counts {
  const reserved = reservedId(categories)
  const [gt, dt] = [sideOf(truth, reserved), sideOf(prediction, reserved)]
  const masks = overlap(gt.labels, dt.labels, gt.size, dt.size)
  const boundaries = overlap(gt.boundaryLabels, dt.boundaryLabels, gt.size, dt.size)
  const areas = countLabels(dt.labels, dt.size)
  const counts = emptyCounts(categories)
  const matched = { truth: new Set<number>(), prediction: new Set<number>() }

  // In ascending order of both ids, as the reference's sums run.
  for (const g of byId(truth.segments)) {
    const { category, isCrowd, area } = truth.segments[g]!
    if (isCrowd) continue
    for (const p of byId(prediction.segments)) {
      if (prediction.segments[p]!.category !== category) continue
      const [label, other] = [g + FIRST, p + FIRST]
      const shared = masks.of(label, other)
      if (shared === 0) continue
      const union = areas[other]! + area - shared - masks.of(gt.void, other)
      const sharedBoundary = boundaries.of(label, other)
      const unionOfBoundaries =
        dt.boundaryAreas[p]! + gt.boundaryAreas[g]! - sharedBoundary - boundaries.of(gt.void, other)
      const iou = lesser(shared / union, sharedBoundary / unionOfBoundaries)
      if (!(iou > 0.5)) continue
      counts.tp[category]! += 1
      counts.iou[category]! += iou
      matched.truth.add(g)
      matched.prediction.add(p)
    }
  }

  const crowds = new Map<number, number>()
  for (const [g, { category, isCrowd }] of truth.segments.entries()) {
    if (matched.truth.has(g)) continue
    if (isCrowd) crowds.set(category, g + FIRST)
    else if (category !== UNDEFINED_CATEGORY) counts.fn[category]! += 1
  }
  for (const [p, { category }] of prediction.segments.entries()) {
    if (matched.prediction.has(p)) continue
    const crowd = crowds.get(category)
    const onCrowd = crowd === undefined ? 0 : masks.of(crowd, p + FIRST)
    const excused = masks.of(gt.void, p + FIRST) + onCrowd
    if (!(excused / areas[p + FIRST]! > 0.5)) counts.fp[category]! += 1
  }
  return counts
}

/**
 * The id that boundary-iou-api paints the insides of segments with: one above the largest category id. Where a segment
 * has that id itself, the reference mixes it with all insides, and so do we; `--strict` names it.
 */
export function reservedId(categories: readonly Category[]): number {
  return categories.reduce((most, { id }) => Math.max(most, id), -Infinity) + 1
}

/** Thickness of a boundary in pixels: 2 % of the diagonal, at least 1; halves are rounded to even, as in Python. */
export function boundaryThickness(width: number, height: number): number {
  const exact = 0.02 * Math.sqrt(height ** 2 + width ** 2)
  const down = Math.floor(exact)
  const isHalf = exact - down === 0.5
  return Math.max(1, isHalf ? down + (down % 2) : Math.round(exact))
}

/** Labels: what is neither void nor listed, unlisted void, then the listed segments in their order. */
const [OTHER, VOID, FIRST] = [0, 1, 2]

interface Labelled {
  /** By pixel: of the whole segments, and of their boundaries, their insides being OTHER. */
  readonly labels: Int32Array
  readonly boundaryLabels: Int32Array
  /** Pixels on the boundary of each listed segment. */
  readonly boundaryAreas: readonly number[]
  /** The label of id 0, which may be listed. */
  readonly void: number
  /** One above the largest label. */
  readonly size: number
}

function sideOf({ map, segments }: BoundarySide<{ readonly id: number }>, reserved: number): Labelled {
  const { width, height, ids } = map
  const labelOf = new Map([[0, VOID], ...segments.map(({ id }, i) => [id, i + FIRST] as const)])
  const labels = Int32Array.from(ids, (id) => labelOf.get(id) ?? OTHER)
  const size = segments.length + FIRST
  const thickness = boundaryThickness(width, height)
  const isInside = interiorOf(ids, width, height, thickness)
  const boundaryLabels = labels.map((label, i) => (label >= FIRST && isInside[i] ? OTHER : label))
  const boundaryAreas = [...countLabels(boundaryLabels, size)].slice(FIRST)

  const mixed = segments.findIndex(({ id }) => id === reserved)
  if (mixed >= 0) {
    const label = mixed + FIRST
    // Its mask holds the insides of those listed before it, and in the end it stands for all insides.
    const isMixed = labels.map((own, i) => Number(own === label || (own >= FIRST && own < label && isInside[i] === 1)))
    const isDeep = interiorOf(isMixed, width, height, thickness)
    boundaryAreas[mixed] = isMixed.reduce((area, is, i) => area + Number(is === 1 && !isDeep[i]), 0)
    for (let i = 0; i < labels.length; i++) {
      if (labels[i] === label || (labels[i]! >= FIRST && isInside[i])) boundaryLabels[i] = label
    }
  }
  return { labels, boundaryLabels, boundaryAreas, void: labelOf.get(0)!, size }
}

/** Pixels by pair of labels. */
function overlap(a: Int32Array, b: Int32Array, rows: number, columns: number) {
  const pixels = new Float64Array(rows * columns)
  for (let i = 0; i < a.length; i++) pixels[a[i]! * columns + b[i]!]! += 1
  return { of: (row: number, column: number) => pixels[row * columns + column]! }
}

function countLabels(labels: Int32Array, size: number): Float64Array {
  const areas = new Float64Array(size)
  for (const label of labels) areas[label]! += 1
  return areas
}

function byId(segments: readonly { readonly id: number }[]): readonly number[] {
  return Array.from(segments.keys()).toSorted((a, b) => segments[a]!.id - segments[b]!.id)
}

/** As Python's min does it: what cannot be compared is left out. */
function lesser(first: number, second: number): number {
  return second < first ? second : first
}
