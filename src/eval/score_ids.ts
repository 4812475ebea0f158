import type { PanopticSegment } from '../data/coco_json.ts'
import type { Category } from '../data/image_set.ts'
import type { IdRuns } from '../data/png_runs.ts'
import { TuneError } from '../errors.ts'
import type { TruthImage } from './eval_set_layout.ts'
import type { Kernel } from './kernel.ts'
import type { Counts } from './pq.ts'
import { areasOf, labelRuns, type RunMap } from './run_map.ts'
import { scoreImage } from './score_runs.ts'

/** A predicted segment, its category not yet looked up. */
export type ListedPrediction = Pick<PanopticSegment, 'id' | 'categoryId'>

/** What is predicted for an image, read from files and not yet checked. No id is listed twice. */
export interface PredictedImage {
  readonly segments: readonly ListedPrediction[]
  /** Ids of a PNG, or labels: n is `segments[n - 1]`. */
  readonly map: IdRuns | RunMap
  /** The files of the map and of the segments, for messages. */
  readonly png: string
  readonly json: string
}

type ImageId = number | string

/**
 * The counts of one image, after panopticapi's checks: the ground truth is trusted, the prediction is not. Sizes that
 * numpy would broadcast are refused.
 */
export function scorePrediction(
  truth: TruthImage,
  prediction: PredictedImage,
  categories: readonly Category[],
  kernel: Kernel,
): Counts {
  const { imageId } = truth
  const { map, png } = prediction
  checkNumber(imageId, truth.segments.length, truth.file)
  checkNumber(imageId, prediction.segments.length, prediction.json)
  const { width, height } = truth.runs
  checkSizes(imageId, { png: truth.file, size: `${width}x${height}` }, { png, size: `${map.width}x${map.height}` })
  const runs = checkSegments(imageId, prediction)
  const segments = lookUpCategories(imageId, prediction, categories)
  return scoreImage(truth, { runs, segments }, categories.length, kernel)
}

/** In the order of ids, as panopticapi's sums run. */
export function inOrder<T extends { readonly id: number }>(segments: readonly T[]): readonly T[] {
  return segments.toSorted((a, b) => a.id - b.id)
}

/** What is painted must be listed, and what is listed painted. */
function checkSegments(imageId: ImageId, { map, segments, png, json }: PredictedImage): RunMap {
  const runs = 'ids' in map ? labelRuns(map, segments) : map
  const areas = areasOf(runs)
  if ('ids' in map && areas.at(-1)! > 0) {
    const listed = new Set([0, ...segments.map(({ id }) => id)])
    const stray = map.ids.reduce((least, id) => (listed.has(id) ? least : Math.min(least, id)), Infinity)
    const hint = 'list each id of the PNG in segments_info, and paint what belongs to no segment with 0'
    throw invalid(imageId, `segment ${stray} has pixels in ${png} but is not listed in ${json}`, hint)
  }
  const unseen = segments.filter((_, i) => areas[i + 1] === 0).map(({ id }) => id)
  if (unseen.length > 0) {
    const hint = 'list only segments that can still be seen once all are painted'
    throw invalid(imageId, `${json} lists segment ${some(unseen)}, which has no pixel in ${png}`, hint)
  }
  return runs
}

/** The index of each segment's category. */
export function lookUpCategories(
  imageId: ImageId,
  { segments, json }: Pick<PredictedImage, 'segments' | 'json'>,
  categories: readonly Category[],
): readonly { readonly category: number }[] {
  const indexOf = new Map(categories.map(({ id }, index) => [id, index]))
  return segments.map(({ id, categoryId }) => {
    const category = indexOf.get(categoryId)
    if (category !== undefined) return { category }
    const what = `segment ${id} of ${json} has category ${categoryId}, which the ground truth does not define`
    throw invalid(imageId, what, `predictions use the ground truth's category ids: ${some([...indexOf.keys()])}`)
  })
}

interface SizedFile {
  readonly png: string
  /** `640x480` */
  readonly size: string
}

export function checkSizes(imageId: ImageId, truth: SizedFile, prediction: SizedFile): void {
  if (prediction.size === truth.size) return
  const what = `${prediction.png} is ${prediction.size} pixels, ${truth.png} is ${truth.size}`
  throw invalid(imageId, what, "resize predictions to the ground truth's size, by nearest neighbour")
}

/** So many segments on both sides take a joint histogram of 1 GiB. */
const MOST_SEGMENTS = 16_384

function checkNumber(imageId: ImageId, segments: number, file: string): void {
  if (segments <= MOST_SEGMENTS) return
  const what = `${file} has ${segments} segments; at most ${MOST_SEGMENTS} can be scored`
  throw invalid(imageId, what, 'cut the image into tiles')
}

function some(ids: readonly number[]): string {
  return ids.length > 12 ? `${ids.slice(0, 12).join(', ')}, ...` : ids.join(', ')
}

function invalid(imageId: ImageId, what: string, hint: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId}: ${what}`, { hint })
}
