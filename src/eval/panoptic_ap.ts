import type { Category, Segment } from '../data/image_set.ts'
import type { Detection, ScoredInstances, TruthInstance } from './ap.ts'
import type { JointHistogram, PredictedSegment } from './segments.ts'

/** A predicted segment and how sure its network is of it; finite. */
export interface ScoredSegment extends PredictedSegment {
  readonly score: number
}

/** An image whose panoptic labels were compared before. */
export interface PanopticImage {
  readonly joint: JointHistogram
  readonly truth: readonly Segment[]
  readonly prediction: readonly ScoredSegment[]
}

/**
 * The things of panoptic images as instances for `averagePrecision`: their masks overlap as the joint histograms say, so
 * that AP-m costs no look at a pixel. The areas of the ground truth are those of its JSON, as in COCO instances; a
 * predicted segment without pixels is none.
 */
export function panopticInstances(images: readonly PanopticImage[], categories: readonly Category[]): ScoredInstances {
  const things = categories
    .map(({ id, isThing }, index) => ({ id, index, isThing }))
    .filter(({ isThing }) => isThing)
    .toSorted((a, b) => a.id - b.id)
  const thingOf = new Map(things.map(({ index }, thing) => [index, thing]))
  const truth: (TruthInstance & Labelled)[] = []
  const detections: (Detection & Labelled)[] = []
  for (const [image, { joint, truth: segments, prediction }] of images.entries()) {
    const pixels = sums(joint)
    for (const [i, { category: index, isCrowd, area }] of segments.entries()) {
      const category = thingOf.get(index)
      if (category === undefined) continue
      const label = i + 1
      truth.push({ id: truth.length + 1, image, category, isCrowd, area, label, pixels: pixels.truth[label]! })
    }
    for (const [i, { category: index, score }] of prediction.entries()) {
      const category = thingOf.get(index)
      const label = i + 1
      const area = pixels.prediction[label]!
      if (category !== undefined && area > 0) detections.push({ image, category, area, score, label, pixels: area })
    }
  }
  const overlap = (d: number, g: number) => {
    const [detection, { image, label, isCrowd, pixels }] = [detections[d]!, truth[g]!]
    const { joint } = images[image]!
    const intersection = joint.pixels[label * joint.columns + detection.label]!
    return intersection / (isCrowd ? detection.pixels : detection.pixels + pixels - intersection)
  }
  return { categories: things.map(({ id }) => id), images: images.length, truth, detections, overlap }
}

/** An instance's label in the maps of its image, and how many pixels have it. */
interface Labelled {
  readonly label: number
  readonly pixels: number
}

/** Pixels of each label of both sides. */
function sums({ pixels, columns }: JointHistogram): {
  readonly truth: Float64Array
  readonly prediction: Float64Array
} {
  const truth = new Float64Array(pixels.length / columns)
  const prediction = new Float64Array(columns)
  for (let i = 0; i < pixels.length; i++) {
    truth[Math.floor(i / columns)]! += pixels[i]!
    prediction[i % columns]! += pixels[i]!
  }
  return { truth, prediction }
}
