import type { Category, Segment } from '../data/image_set.ts'
import { TuneError } from '../errors.ts'
import type { EvalSet } from './eval_set.ts'
import type { TruthImage } from './eval_set_layout.ts'
import { jointOfRuns, runsOfLabels } from './joint.ts'
import { kernelOf, type Kernel, type KernelName } from './kernel.ts'
import { emptyCounts, type Counts } from './pq.ts'
import type { RunMap } from './run_map.ts'
import { countSegments, type JointHistogram, type PredictedSegment } from './segments.ts'

/** What is predicted for one image, at the ground truth's size, as a dense label map. */
export interface DensePrediction {
  /** One a pixel, row by row: 0 is void, n is `segments[n - 1]`. */
  readonly labels: Uint16Array
  readonly segments: readonly PredictedSegment[]
}

/** The same as runs; its `levels` are the segments and two more. */
export interface RunPrediction {
  readonly runs: RunMap
  readonly segments: readonly PredictedSegment[]
}

export interface ScoreOptions {
  /** Which inner loops; both give the same bits. Default: SIMD where the machine has it. */
  readonly kernel?: KernelName
}

/**
 * The counts of one image of a set. Keep them per image: `reduce(merge)` gives the score, and an array of them is what a
 * bootstrap resamples. Throws `data/invalid` for a prediction that does not fit its image.
 *
 *     const counts = evalSet.images.map((_, i) => scoreRuns(evalSet, i, predictions[i]))
 */
export function scoreRuns(
  set: EvalSet,
  imageIndex: number,
  prediction: DensePrediction | RunPrediction,
  options: ScoreOptions = {},
): Counts {
  const image = set.images[imageIndex]
  if (!image) throw new RangeError(`image ${imageIndex} of ${set.images.length}`)
  const kernel = kernelOf(options.kernel)
  const { width, height } = image.runs
  const { segments } = prediction
  checkCategories(image, segments, set.categories)
  const found = 'labels' in prediction ? `${prediction.labels.length} labels` : `${prediction.runs.width}x${prediction.runs.height} pixels` // prettier-ignore
  const fits = 'labels' in prediction ? prediction.labels.length === width * height : prediction.runs.width === width && prediction.runs.height === height // prettier-ignore
  if (!fits) throw invalid(image, `${found} for ${width}x${height} pixels`)

  const levels = segments.length + 2
  const runs = 'labels' in prediction ? runsOfLabels(prediction.labels, { width, height, levels }, kernel) : prediction.runs // prettier-ignore
  const joint = jointOfRuns(image.runs, runs, kernel)
  if (hasStray(joint)) throw invalid(image, `${strayOf(prediction)} but only ${segments.length} segments`)
  return countImage(image.segments, segments, joint, set.categories.length)
}

/** The counts of one image whose prediction was checked. */
export function scoreImage(
  truth: Pick<TruthImage, 'segments' | 'runs'>,
  { runs, segments }: RunPrediction,
  classes: number,
  kernel: Kernel,
): Counts {
  return countImage(truth.segments, segments, jointOfRuns(truth.runs, runs, kernel), classes)
}

function countImage(
  truth: readonly Segment[],
  prediction: readonly PredictedSegment[],
  joint: JointHistogram,
  classes: number,
): Counts {
  const counts = emptyCounts({ length: classes })
  countSegments(joint, truth, prediction, counts)
  return counts
}

function checkCategories(
  image: TruthImage,
  segments: readonly PredictedSegment[],
  { length }: readonly Category[],
): void {
  // prettier-ignore
  const unknown = segments.find(({ category }) => !(Number.isInteger(category) && category >= 0 && category < length))
  if (unknown) throw invalid(image, `a segment of category ${unknown.category}; there are ${length}, counted from 0`)
}

/** Labels above the listed ones are in the last column of the histogram. */
function hasStray({ pixels, columns }: JointHistogram): boolean {
  for (let i = columns - 1; i < pixels.length; i += columns) if (pixels[i] !== 0) return true
  return false
}

function strayOf(prediction: DensePrediction | RunPrediction): string {
  if (!('labels' in prediction)) return 'runs above the listed segments'
  return `label ${prediction.labels.find((label) => label > prediction.segments.length)}`
}

function invalid({ imageId }: TruthImage, what: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId}: the prediction has ${what}`, {
    hint: "labels are 0 for void and n for segments[n - 1], one a pixel, at the scene's own size",
  })
}
