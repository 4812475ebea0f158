import { TuneError } from '../errors.ts'
import type { Segment } from '../data/image_set.ts'
import type { JointHistogram, PredictedSegment } from './segments.ts'

/**
 * Pixels by class: `pixels[prediction * (classes + 1) + truth]`. The last row and the last column hold what has no class:
 * predicted as none, ignored in the ground truth. Those of images add up to that of the set.
 */
export interface Confusion {
  readonly classes: number
  readonly pixels: Float64Array
}

/** The scores that both conventions name mIoU, and what they rest on: fractions, null where nothing is defined. */
export interface SemanticQuality {
  /** Over the classes that occur in the ground truth (`SemSegEvaluator`). */
  readonly detectron2: {
    readonly mIoU: number | null
    /** IoU weighed by the pixels of the classes. */
    readonly fwIoU: number | null
    /** Mean over classes, and over pixels, of the part that was found. */
    readonly mACC: number | null
    readonly pACC: number | null
  }
  /** Over the classes that occur in the ground truth or the prediction: those only predicted count as 0. */
  readonly panoptic_deeplab: { readonly mIoU: number | null }
  /** By class; null where the ground truth has none of it. */
  readonly per_class_iou: readonly (number | null)[]
  /** `confusion[prediction][truth]`, the last of each for no class. */
  readonly confusion: readonly (readonly number[])[]
  /** Pixels of a class that were predicted as none: both conventions leave them out as if they were ignored. */
  readonly unpredicted_pixels: number
}

/** The confusion of no image. */
export function emptyConfusion(classes: number): Confusion {
  return { classes, pixels: new Float64Array((classes + 1) ** 2) }
}

/** The confusion of two sets of images together; both inputs are left alone. */
export function mergeConfusions(a: Confusion, b: Confusion): Confusion {
  return { classes: a.classes, pixels: a.pixels.map((pixels, i) => pixels + b.pixels[i]!) }
}

/** One side of an image: the class of each pixel, and what a message calls it. */
export interface ClassMap {
  readonly labels: Uint8Array | Uint16Array
  readonly name: string
}

/** Adds an image to `confusion`. Throws `data/invalid` for a label that is neither a class nor the ignored one. */
export function countLabels(truth: ClassMap, prediction: ClassMap, ignore: number, confusion: Confusion): void {
  const [of, by] = [truth.labels, prediction.labels]
  if (of.length !== by.length) {
    throw new TuneError('data/invalid', `${truth.name} has ${of.length} pixels, ${prediction.name} has ${by.length}`)
  }
  const { classes, pixels } = confusion
  const indexOf = (label: number, map: ClassMap) => {
    if (label === ignore) return classes
    if (label >= classes) throw strayLabel(map, label, classes, ignore)
    return label
  }
  // One addition a run of equal pairs, and one check.
  for (let from = 0; from < of.length;) {
    const [t, p] = [of[from]!, by[from]!]
    let to = from + 1
    while (to < of.length && of[to] === t && by[to] === p) to++
    pixels[indexOf(p, prediction) * (classes + 1) + indexOf(t, truth)]! += to - from
    from = to
  }
}

/**
 * Adds an image whose panoptic labels were compared before: a roll-up of segments into their categories, with no look at
 * a pixel. Void and what is not listed has no class; a crowd has that of its segments, as in detectron2.
 */
export function countSegmentClasses(
  { pixels: joint, columns }: JointHistogram,
  truth: readonly Pick<Segment, 'category'>[],
  prediction: readonly PredictedSegment[],
  { classes, pixels }: Confusion,
): void {
  const classOf = (segments: readonly PredictedSegment[]) => (label: number) => {
    const category = segments[label - 1]?.category ?? classes
    return category >= 0 ? category : classes
  }
  const [truthOf, predictionOf] = [classOf(truth), classOf(prediction)]
  for (let i = 0; i < joint.length; i++) {
    if (joint[i] === 0) continue
    pixels[predictionOf(i % columns) * (classes + 1) + truthOf(Math.floor(i / columns))]! += joint[i]!
  }
}

/** Counts turned into scores, once, at the end; the formulas of detectron2's `SemSegEvaluator.evaluate`. */
export function semanticQuality({ classes, pixels }: Confusion): SemanticQuality {
  const row = (p: number) => Array.from(pixels.subarray(p * (classes + 1), (p + 1) * (classes + 1)))
  const confusion = Array.from({ length: classes + 1 }, (_, p) => row(p))
  const each = Array.from({ length: classes }, (_, c) => {
    const hits = confusion[c]![c]!
    const truth = sum(confusion.slice(0, classes).map((row) => row[c]!))
    const predicted = sum(confusion[c]!.slice(0, classes))
    return { hits, truth, union: truth + predicted - hits }
  })
  const present = each.filter(({ truth }) => truth > 0)
  const total = sum(each.map(({ truth }) => truth))
  const ious = present.map(({ hits, union }) => hits / union)
  return {
    detectron2: {
      mIoU: ratio(sum(ious), present.length),
      fwIoU: present.length === 0 ? null : sum(present.map(({ truth }, i) => (ious[i]! * truth) / total)),
      mACC: ratio(sum(present.map(({ hits, truth }) => hits / truth)), present.length),
      pACC: ratio(sum(each.map(({ hits }) => hits)), total),
    },
    panoptic_deeplab: { mIoU: ratio(sum(ious), each.filter(({ union }) => union > 0).length) },
    per_class_iou: each.map(({ hits, truth, union }) => (truth > 0 ? hits / union : null)),
    confusion,
    unpredicted_pixels: sum(confusion[classes]!.slice(0, classes)),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

function strayLabel({ labels, name }: ClassMap, label: number, classes: number, ignore: number): TuneError {
  const message = `${name}: pixel ${labels.indexOf(label)} has label ${label}; there are ${classes} classes, counted from 0, and ${ignore} is ignored`
  return new TuneError('data/invalid', message, {
    hint: `map the data set's own ids to 0 to ${classes - 1}, or say how many classes there are`,
  })
}
