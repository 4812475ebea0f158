import type { ImageSet, Scene } from '../data/image_set.ts'
import { TuneError } from '../errors.ts'
import { emptyCounts, type Counts } from './pq.ts'
import { countSegments, jointHistogram, type JointHistogram, type PredictedSegment } from './segments.ts'

/** What a network says about one scene, at the scene's own size. */
export interface Prediction {
  /** One a pixel, row by row: 0 is void, n is `segments[n - 1]`. */
  readonly labels: Uint16Array
  readonly segments: readonly PredictedSegment[]
}

/**
 * The counts of one scene, without a file in between. Keep them per image: `reduce(merge)` gives the score, and an
 * array of them is what a bootstrap resamples.
 */
export function scoreScene(set: ImageSet, sceneIndex: number, prediction: Prediction): Counts {
  const scene = set.scenes[sceneIndex]
  if (!scene) throw new RangeError(`scene ${sceneIndex} of ${set.scenes.length}`)
  const size = scene.height * scene.width
  checkPrediction(scene, prediction, set.categories.length)
  const truth = set.labels.subarray(scene.at, scene.at + size)
  const joint = jointHistogram(truth, prediction.labels, scene.segments.length, prediction.segments.length)
  checkLabels(scene, prediction, joint)
  const counts = emptyCounts(set.categories)
  countSegments(joint, scene.segments, prediction.segments, counts)
  return counts
}

function checkPrediction(
  { imageId, height, width }: Scene,
  { labels, segments }: Prediction,
  categories: number,
): void {
  if (labels.length !== height * width) {
    throw invalid(imageId, `${labels.length} labels for ${width}x${height} pixels`)
  }
  const unknown = segments.find(
    ({ category }) => !(Number.isInteger(category) && category >= 0 && category < categories),
  )
  if (unknown)
    throw invalid(imageId, `a segment of category ${unknown.category}; there are ${categories}, counted from 0`)
}

/** Labels above the listed ones are in the last column of the histogram. */
function checkLabels({ imageId }: Scene, { labels, segments }: Prediction, { pixels, columns }: JointHistogram): void {
  for (let i = columns - 1; i < pixels.length; i += columns) {
    if (pixels[i] === 0) continue
    const label = labels.find((candidate) => candidate > segments.length)
    throw invalid(imageId, `label ${label} but only ${segments.length} segments`)
  }
}

function invalid(imageId: number | string, what: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId}: the prediction has ${what}`, {
    hint: "labels are 0 for void and n for segments[n - 1], one a pixel, at the scene's own size",
  })
}
