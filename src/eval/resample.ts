import type { Rng } from '../rng.ts'
import { imageCount, type ImageStatistics } from './image_statistics.ts'

/** Sums over the images of one resample, by class: of the matched IoUs, of matches, of TP + FP/2 + FN/2. */
export interface ClassSums {
  readonly iou: Float64Array
  readonly tp: Float64Array
  readonly segments: Float64Array
}

/**
 * Draws as many images as there are, with replacement, so many times, and shows the class sums of each resample:
 * those of several results of the same images under the same draws. What `visit` is given is overwritten by the next.
 */
export function resample(
  results: readonly ImageStatistics[],
  resamples: number,
  rng: Rng,
  visit: (sums: readonly ClassSums[], resample: number) => void,
): void {
  const images = imageCount(results[0]!)
  const weights = new Float64Array(LANES * images)
  const below = draws(rng, images)
  const columns = results.map(byClass)
  const sums = results.map(({ classes }) => Array.from({ length: LANES }, () => emptySums(classes)))
  for (let first = 0; first < resamples; first += LANES) {
    weights.fill(0)
    for (let lane = 0; lane < LANES; lane++) {
      for (let drawn = 0; drawn < images; drawn++) weights[LANES * below() + lane]! += 1
    }
    for (const [i, column] of columns.entries()) addUp(column, weights, sums[i]!)
    for (let lane = 0; lane < LANES && first + lane < resamples; lane++) {
      visit(sums.map((lanes) => lanes[lane]!), first + lane) // prettier-ignore
    }
  }
}

/** Resamples that are added up at once: their sums stay in registers. */
const LANES = 4

/** The entries class after class, so that a class is added up without a store. */
interface Columns {
  /** The entries of class c are those from `starts[c]` to before `starts[c + 1]`. */
  readonly starts: Uint32Array
  /** By entry: where the weights of its image begin. */
  readonly weightsAt: Uint32Array
  readonly iou: Float64Array
  /** TP + SHIFT * (2 TP + FP + FN): both sums are whole numbers, and one addition does for two. */
  readonly counts: Float64Array
}

/** Sums below this fit side by side into the 53 bits of a number. */
const SHIFT = 2 ** 26

function byClass({ classes, starts, classOf, iou, tp, fp, fn }: ImageStatistics): Columns {
  const ends = new Uint32Array(classes + 1)
  for (const c of classOf) ends[c + 1]! += 1
  for (let c = 0; c < classes; c++) ends[c + 1]! += ends[c]!
  const next = ends.slice()
  const entries = classOf.length
  const columns = {
    starts: ends,
    weightsAt: new Uint32Array(entries),
    iou: new Float64Array(entries),
    counts: new Float64Array(entries),
  }
  const images = starts.length - 1
  for (let image = 0; image < images; image++) {
    for (let from = starts[image]!; from < starts[image + 1]!; from++) {
      const at = next[classOf[from]!]!++
      const twice = 2 * tp[from]! + fp[from]! + fn[from]!
      // Drawn every time, this image would fill the sum alone.
      if (twice * images >= SHIFT) throw new RangeError(`${twice} segments of a class in one of ${images} images`)
      columns.weightsAt[at] = LANES * image
      columns.iou[at] = iou[from]!
      columns.counts[at] = tp[from]! + SHIFT * twice
    }
  }
  return columns
}

function addUp({ starts, weightsAt, iou, counts }: Columns, weights: Float64Array, lanes: readonly ClassSums[]): void {
  for (let c = 0; c + 1 < starts.length; c++) {
    let [iou0, iou1, iou2, iou3] = [0, 0, 0, 0]
    let [counts0, counts1, counts2, counts3] = [0, 0, 0, 0]
    const end = starts[c + 1]!
    for (let at = starts[c]!; at < end; at++) {
      // Destructuring would be shorter, and takes three times as long.
      const from = weightsAt[at]!
      const w0 = weights[from]!
      const w1 = weights[from + 1]!
      const w2 = weights[from + 2]!
      const w3 = weights[from + 3]!
      const i = iou[at]!
      const n = counts[at]!
      iou0 += w0 * i
      iou1 += w1 * i
      iou2 += w2 * i
      iou3 += w3 * i
      counts0 += w0 * n
      counts1 += w1 * n
      counts2 += w2 * n
      counts3 += w3 * n
    }
    put(lanes[0]!, c, iou0, counts0)
    put(lanes[1]!, c, iou1, counts1)
    put(lanes[2]!, c, iou2, counts2)
    put(lanes[3]!, c, iou3, counts3)
  }
}

function put(sums: ClassSums, c: number, iou: number, counts: number): void {
  const twice = Math.floor(counts / SHIFT)
  sums.iou[c] = iou
  sums.tp[c] = counts - SHIFT * twice
  sums.segments[c] = twice / 2
}

function emptySums(classes: number): ClassSums {
  return { iou: new Float64Array(classes), tp: new Float64Array(classes), segments: new Float64Array(classes) }
}

/**
 * Whole numbers below `bound` (at most 2^21, for the product to be exact) from xoshiro128** (Blackman & Vigna 2018),
 * which the rng only seeds: five million draws of the rng itself would take longer than all the sums.
 */
function draws(rng: Rng, bound: number): () => number {
  let [a, b, c, d] = [0, 0, 0, 0].map(() => rng.below(2 ** 32)) as [number, number, number, number]
  a |= 1
  return () => {
    const seven = Math.imul(b, 5)
    const word = Math.imul((seven << 7) | (seven >>> 25), 9) >>> 0
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = (d << 11) | (d >>> 21)
    return Math.floor((word * bound) / 4_294_967_296)
  }
}
