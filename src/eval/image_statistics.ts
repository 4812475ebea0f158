import type { Counts } from './pq.ts'

/**
 * What each image adds to each class, only where it adds something: a sparse matrix, image after image. It is all that
 * intervals, comparisons and races need; 5000 images of about 11 classes take 1.2 MB.
 */
export interface ImageStatistics {
  readonly classes: number
  /** The entries of image i are those from `starts[i]` to before `starts[i + 1]`. */
  readonly starts: Uint32Array
  /** By entry: the class's index, ascending inside an image, and the image's counts of it. */
  readonly classOf: Uint16Array
  readonly iou: Float64Array
  readonly tp: Uint32Array
  readonly fp: Uint32Array
  readonly fn: Uint32Array
}

/** The counts of images, made sparse. All have the same classes, in the same order. */
export function imageStatistics(images: readonly Counts[], classes = images[0]?.tp.length ?? 0): ImageStatistics {
  let entries = 0
  for (const counts of images) for (let c = 0; c < classes; c++) if (occurs(counts, c)) entries++
  const statistics = emptyStatistics(images.length, entries, classes)
  const { starts, classOf, iou, tp, fp, fn } = statistics
  let at = 0
  for (const [image, counts] of images.entries()) {
    for (let c = 0; c < classes; c++) {
      if (!occurs(counts, c)) continue
      classOf[at] = c
      iou[at] = counts.iou[c]!
      tp[at] = counts.tp[c]!
      fp[at] = counts.fp[c]!
      fn[at] = counts.fn[c]!
      at++
    }
    starts[image + 1] = at
  }
  return statistics
}

/** Room for so many entries, all zero. */
export function emptyStatistics(images: number, entries: number, classes: number): ImageStatistics {
  return {
    classes,
    starts: new Uint32Array(images + 1),
    classOf: new Uint16Array(entries),
    iou: new Float64Array(entries),
    tp: new Uint32Array(entries),
    fp: new Uint32Array(entries),
    fn: new Uint32Array(entries),
  }
}

/** How many images there are. */
export function imageCount({ starts }: Pick<ImageStatistics, 'starts'>): number {
  return starts.length - 1
}

/** The images of these indices, in their order; an index may come several times. */
export function pickImages(statistics: ImageStatistics, indices: ArrayLike<number>): ImageStatistics {
  const { classes, starts } = statistics
  let entries = 0
  for (let i = 0; i < indices.length; i++) entries += starts[indices[i]! + 1]! - starts[indices[i]!]!
  const picked = emptyStatistics(indices.length, entries, classes)
  let at = 0
  for (let i = 0; i < indices.length; i++) {
    for (let from = starts[indices[i]!]!; from < starts[indices[i]! + 1]!; from++, at++) {
      picked.classOf[at] = statistics.classOf[from]!
      picked.iou[at] = statistics.iou[from]!
      picked.tp[at] = statistics.tp[from]!
      picked.fp[at] = statistics.fp[from]!
      picked.fn[at] = statistics.fn[from]!
    }
    picked.starts[i + 1] = at
  }
  return picked
}

/** The counts of all images together. */
export function totalCounts({ classes, classOf, iou, tp, fp, fn }: ImageStatistics): Counts {
  const zeros = () => new Float64Array(classes)
  const total = { iou: zeros(), tp: zeros(), fp: zeros(), fn: zeros() }
  for (let at = 0; at < classOf.length; at++) {
    const c = classOf[at]!
    total.iou[c]! += iou[at]!
    total.tp[c]! += tp[at]!
    total.fp[c]! += fp[at]!
    total.fn[c]! += fn[at]!
  }
  return total
}

function occurs({ tp, fp, fn }: Counts, c: number): boolean {
  return tp[c]! > 0 || fp[c]! > 0 || fn[c]! > 0
}
