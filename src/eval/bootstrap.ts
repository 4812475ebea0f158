import type { Rng } from '../rng.ts'
import type { Counts } from './pq.ts'

/** How much higher the PQ of one result is than that of another on the same images, as fractions. */
export interface Difference {
  /** On the images as they are. */
  readonly difference: number
  /** Over the resamples. */
  readonly mean: number
  /** Ends of the 95 % interval: the 2.5th and 97.5th percentile over the resamples. */
  readonly low: number
  readonly high: number
}

/**
 * PQ(a) - PQ(b) with its interval, by resampling images: both results are weighed by the same draws, for the images
 * they share are most of their noise (pairing halves the standard error). A class that a resample leaves empty leaves
 * the mean, as in panopticapi. Undefined where no image has a segment of any class.
 */
export function bootstrapDifference(
  a: readonly Counts[],
  b: readonly Counts[],
  rng: Rng,
  resamples = 1000,
): Difference | undefined {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} images cannot be paired`)
  const [scoreA, scoreB] = [scorer(a), scorer(b)]
  const difference = scoreA(ones(a.length)) - scoreB(ones(b.length))
  // A resample in which one side has no class at all has no difference.
  const differences = Array.from({ length: resamples }, () => {
    const weights = drawWeights(a.length, rng)
    return scoreA(weights) - scoreB(weights)
  })
  const sorted = differences.filter((value) => !Number.isNaN(value)).toSorted((a, b) => a - b)
  if (Number.isNaN(difference) || sorted.length === 0) return undefined
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length
  return { difference, mean, low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) }
}

/** How often each image is drawn when as many as there are are drawn with replacement. */
function drawWeights(images: number, rng: Rng): Float64Array {
  const weights = new Float64Array(images)
  for (let i = 0; i < images; i++) weights[rng.below(images)]! += 1
  return weights
}

/** PQ over all classes as a function of the images' weights; NaN where no class occurs. */
function scorer(images: readonly Counts[]): (weights: Float64Array) => number {
  const terms = termsOf(images)
  const imageOf = Uint32Array.from(terms, ({ image }) => image)
  const classOf = Uint32Array.from(terms, ({ index }) => index)
  const iouOf = Float64Array.from(terms, ({ iou }) => iou)
  const segmentsOf = Float64Array.from(terms, ({ segments }) => segments)
  const iou = new Float64Array(images[0]?.tp.length ?? 0)
  const segments = new Float64Array(iou.length)
  return (weights) => {
    iou.fill(0)
    segments.fill(0)
    for (let i = 0; i < imageOf.length; i++) {
      const weight = weights[imageOf[i]!]!
      iou[classOf[i]!]! += weight * iouOf[i]!
      segments[classOf[i]!]! += weight * segmentsOf[i]!
    }
    return meanQuality(iou, segments)
  }
}

/** What one image adds to the numerator and the denominator of one class's PQ. */
interface Term {
  readonly image: number
  readonly index: number
  readonly iou: number
  readonly segments: number
}

/** Most classes are absent from most images: only what is there. */
function termsOf(images: readonly Counts[]): readonly Term[] {
  const terms: Term[] = []
  for (const [image, { iou, tp, fp, fn }] of images.entries()) {
    for (let index = 0; index < tp.length; index++) {
      const segments = tp[index]! + fp[index]! / 2 + fn[index]! / 2
      if (segments > 0) terms.push({ image, index, iou: iou[index]!, segments })
    }
  }
  return terms
}

function meanQuality(iou: Float64Array, segments: Float64Array): number {
  let [sum, present] = [0, 0]
  for (let i = 0; i < segments.length; i++) {
    if (segments[i] === 0) continue
    sum += iou[i]! / segments[i]!
    present++
  }
  return present === 0 ? Number.NaN : sum / present
}

/** Between the two nearest values of a sorted array, in proportion. */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1)
  const below = Math.floor(at)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!)
}

function ones(length: number): Float64Array {
  return new Float64Array(length).fill(1)
}
