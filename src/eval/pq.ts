import type { Category } from '../data/image_set.ts'

/**
 * What panoptic quality needs to know of one image or of many, by class index: counts of images add up to the counts
 * of the set, so any order, any worker and any later resampling gives the same score.
 */
export interface Counts {
  /** Sum of the IoUs of the matched pairs. */
  readonly iou: Float64Array
  /** Matched pairs, predictions without a match, ground truth without a match. */
  readonly tp: Float64Array
  readonly fp: Float64Array
  readonly fn: Float64Array
}

/** PQ, SQ and RQ as fractions, averaged over the `n` classes that occur; null where none does. */
export interface SplitQuality {
  readonly pq: number | null
  readonly sq: number | null
  readonly rq: number | null
  readonly n: number
}

/** The scores of one class as fractions, all 0 where it does not occur, and what they were computed from. */
export interface ClassQuality {
  readonly pq: number
  readonly sq: number
  readonly rq: number
  readonly tp: number
  readonly fp: number
  readonly fn: number
  readonly iou: number
}

/** Named as panopticapi names them; `per_class` goes by the data set's own category ids. */
export interface PanopticQuality {
  readonly All: SplitQuality
  readonly Things: SplitQuality
  readonly Stuff: SplitQuality
  readonly per_class: Readonly<Record<string, ClassQuality>>
}

/**
 * Counts turned into scores, once, at the end: PQ = IoU / (TP + FP/2 + FN/2) = SQ x RQ for each class (eq. 1,
 * Kirillov et al. 2019), then the unweighted mean over the classes that occur in ground truth or prediction.
 */
export function panopticQuality(counts: Counts, categories: readonly Category[]): PanopticQuality {
  const classes = categories.map(({ id, isThing }, index) => ({ id, isThing, quality: classQuality(counts, index) }))
  return {
    All: average(classes.map(({ quality }) => quality)),
    Things: average(classes.filter(({ isThing }) => isThing).map(({ quality }) => quality)),
    Stuff: average(classes.filter(({ isThing }) => !isThing).map(({ quality }) => quality)),
    per_class: Object.fromEntries(classes.map(({ id, quality }) => [String(id), quality])),
  }
}

/** The counts of no image: what `merge` starts from. */
export function emptyCounts(categories: { readonly length: number }): Counts {
  const zeros = () => new Float64Array(categories.length)
  return { iou: zeros(), tp: zeros(), fp: zeros(), fn: zeros() }
}

/** The counts of two sets of images together. Associative and commutative; both inputs are left alone. */
export function merge(a: Counts, b: Counts): Counts {
  return { iou: add(a.iou, b.iou), tp: add(a.tp, b.tp), fp: add(a.fp, b.fp), fn: add(a.fn, b.fn) }
}

function classQuality(counts: Counts, index: number): ClassQuality {
  const [iou, tp, fp, fn] = [counts.iou[index]!, counts.tp[index]!, counts.fp[index]!, counts.fn[index]!]
  const segments = tp + fp / 2 + fn / 2
  return { pq: ratio(iou, segments), sq: ratio(iou, tp), rq: ratio(tp, segments), tp, fp, fn, iou }
}

/** The part of a whole; 0 of nothing. */
function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function average(classes: readonly ClassQuality[]): SplitQuality {
  const present = classes.filter(({ tp, fp, fn }) => tp + fp + fn > 0)
  const n = present.length
  // panopticapi divides by zero here and loses the other splits with it.
  if (n === 0) return { pq: null, sq: null, rq: null, n }
  const mean = (score: 'pq' | 'sq' | 'rq') => present.reduce((sum, quality) => sum + quality[score], 0) / n
  return { pq: mean('pq'), sq: mean('sq'), rq: mean('rq'), n }
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value + b[index]!)
}
