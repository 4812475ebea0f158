import type { Rle } from './coco_rle.ts'

/** One side's boxes, four numbers each: x, y of the upper left corner, width, height, in pixels. */
export type Boxes = Float64Array

/** How well a detection and a ground truth agree, by their places in their lists: 0 to 1. */
export type Overlap = (detection: number, truth: number) => number

/** IoU of boxes (`bbIou` of maskApi.c); with a crowd the part of the detection that lies in it. */
export function boxOverlap(detections: Boxes, truth: Boxes, isCrowd: (truth: number) => boolean): Overlap {
  return (d, g) => {
    const intersection = intersectionOfBoxes(detections, d, truth, g)
    if (intersection === 0) return 0
    const area = detections[4 * d + 2]! * detections[4 * d + 3]!
    return intersection / (isCrowd(g) ? area : area + truth[4 * g + 2]! * truth[4 * g + 3]! - intersection)
  }
}

/**
 * IoU of masks (`rleIou`); with a crowd the part of the detection that lies in it. Masks whose boxes are apart are not
 * compared, and masks of different sizes never agree.
 */
export function maskOverlap(
  detections: readonly Rle[],
  truth: readonly Rle[],
  isCrowd: (truth: number) => boolean,
): Overlap {
  const [detectionBoxes, truthBoxes] = [boxesOf(detections), boxesOf(truth)]
  const [detectionAreas, truthAreas] = [detections.map(areaOf), truth.map(areaOf)]
  return (d, g) => {
    if (intersectionOfBoxes(detectionBoxes, d, truthBoxes, g) === 0) return 0
    const [mask, other] = [detections[d]!, truth[g]!]
    if (mask.height !== other.height || mask.width !== other.width) return 0
    const intersection = intersectionOfRuns(mask.ends, other.ends)
    if (intersection === 0) return 0
    const area = detectionAreas[d]!
    return intersection / (isCrowd(g) ? area : area + truthAreas[g]! - intersection)
  }
}

/** Pixels of the foreground. */
export function areaOf({ ends }: Rle): number {
  let area = 0
  for (let run = 1; run < ends.length; run += 2) area += ends[run]! - ends[run - 1]!
  return area
}

/** The boxes of masks as `rleToBbox` finds them; all 0 for an empty one. */
export function boxesOf(rles: readonly Rle[]): Boxes {
  const boxes = new Float64Array(4 * rles.length)
  for (const [i, rle] of rles.entries()) writeBox(rle, boxes, 4 * i)
  return boxes
}

function writeBox({ height, width, ends }: Rle, boxes: Boxes, at: number): void {
  const edges = ends.length - (ends.length % 2)
  if (edges === 0) return
  let left = width
  let top = height
  let right = 0
  let bottom = 0
  let column = 0
  // The columns of the first and the last pixel of a run: mostly the one of the edge before, or the next.
  let x = 0
  let start = 0
  for (let i = 0; i < edges; i++) {
    // Unsigned as in C: an empty run of foreground at the first pixel counts as one far away.
    const pixel = (ends[i]! - (i & 1)) >>> 0
    if (pixel < start || pixel >= start + 2 * height) {
      x = Math.floor(pixel / height)
      start = x * height
    } else if (pixel >= start + height) {
      x++
      start += height
    }
    const y = pixel - start
    // A run over a border of columns touches the first and the last row.
    if ((i & 1) === 0) column = x
    else if (column < x) {
      top = 0
      bottom = height - 1
    }
    if (x < left) left = x
    if (x > right) right = x
    if (y < top) top = y
    if (y > bottom) bottom = y
  }
  boxes[at] = left
  boxes[at + 1] = top
  boxes[at + 2] = right - left + 1
  boxes[at + 3] = bottom - top + 1
}

function intersectionOfBoxes(a: Boxes, i: number, b: Boxes, j: number): number {
  const [ai, bj] = [4 * i, 4 * j]
  const width = Math.min(a[ai]! + a[ai + 2]!, b[bj]! + b[bj + 2]!) - Math.max(a[ai]!, b[bj]!)
  if (!(width > 0)) return 0
  const height = Math.min(a[ai + 1]! + a[ai + 3]!, b[bj + 1]! + b[bj + 3]!) - Math.max(a[ai + 1]!, b[bj + 1]!)
  return height > 0 ? width * height : 0
}

/** Pixels that are foreground of both: run by run, from where both have begun to where one is over. */
function intersectionOfRuns(a: Uint32Array, b: Uint32Array): number {
  if (a.length < 2 || b.length < 2) return 0
  let i = firstRunAfter(a, b[0]!)
  let j = firstRunAfter(b, a[0]!)
  let pixels = 0
  while (i < a.length && j < b.length) {
    const [endA, endB] = [a[i]!, b[j]!]
    const from = Math.max(a[i - 1]!, b[j - 1]!)
    const to = Math.min(endA, endB)
    if (to > from) pixels += to - from
    if (endA <= endB) i += 2
    if (endB <= endA) j += 2
  }
  return pixels
}

/** The first run of foreground that ends beyond a pixel; by halving, for masks often begin far apart. */
function firstRunAfter(ends: Uint32Array, pixel: number): number {
  let [low, high] = [0, ends.length >> 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ends[2 * middle + 1]! > pixel) high = middle
    else low = middle + 1
  }
  return 2 * low + 1
}
