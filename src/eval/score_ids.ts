import type { PanopticSegment } from '../data/coco_json.ts'
import type { Category, Segment } from '../data/image_set.ts'
import { labelPixels } from '../data/labels.ts'
import type { IdImage } from '../data/png.ts'
import { TuneError } from '../errors.ts'
import { emptyCounts, type Counts } from './pq.ts'
import { countSegments, jointHistogram } from './segments.ts'

/** One side of an image: its map of segment ids, the segments listed for it, and its files' names for messages. */
export interface Side<S> {
  readonly map: IdImage
  readonly segments: readonly S[]
  readonly png: string
  readonly json: string
}

/** A predicted segment, its category not yet looked up. */
export type ListedPrediction = Pick<PanopticSegment, 'id' | 'categoryId'>

type ImageId = number | string

/**
 * The counts of one image given as segment ids, after panopticapi's checks: the ground truth is trusted, the prediction
 * is not. Sizes that numpy would broadcast are refused. No id is listed twice.
 */
export function scoreIds(
  imageId: ImageId,
  truth: Side<Segment>,
  prediction: Side<ListedPrediction>,
  categories: readonly Category[],
): Counts {
  // Labels in the order of ids: panopticapi's sums run over both ids in ascending order.
  const sorted = { ...prediction, segments: prediction.segments.toSorted((a, b) => a.id - b.id) }
  const predictionLabels = labelsOfPrediction(imageId, sorted)
  const predicted = lookUpCategories(imageId, sorted, categories)
  checkSizes(imageId, truth, prediction)
  for (const side of [truth, prediction]) checkNumber(imageId, side)

  const truthLabels = new Uint16Array(truth.map.ids.length)
  labelPixels(truth.map.ids, truth.segments, truthLabels)
  const joint = jointHistogram(truthLabels, predictionLabels, truth.segments.length, predicted.length)
  const counts = emptyCounts(categories)
  countSegments(joint, truth.segments, predicted, counts)
  return counts
}

/** What is painted must be listed, and what is listed painted. */
function labelsOfPrediction(imageId: ImageId, { map, segments, png, json }: Side<ListedPrediction>): Uint16Array {
  const labels = new Uint16Array(map.ids.length)
  const { areas, unlisted } = labelPixels(map.ids, segments, labels)
  if (unlisted > 0) {
    const listed = new Set([0, ...segments.map(({ id }) => id)])
    const stray = map.ids.reduce((least, id) => (listed.has(id) ? least : Math.min(least, id)), Infinity)
    const hint = 'list each id of the PNG in segments_info, and paint what belongs to no segment with 0'
    throw invalid(imageId, `segment ${stray} has pixels in ${png} but is not listed in ${json}`, hint)
  }
  const unseen = segments.filter((_, index) => areas[index] === 0).map(({ id }) => id)
  if (unseen.length > 0) {
    const hint = 'list only segments that can still be seen once all are painted'
    throw invalid(imageId, `${json} lists segment ${some(unseen)}, which has no pixel in ${png}`, hint)
  }
  return labels
}

function lookUpCategories(
  imageId: ImageId,
  { segments, json }: Side<ListedPrediction>,
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

function checkSizes(imageId: ImageId, truth: Side<unknown>, prediction: Side<unknown>): void {
  const [a, b] = [truth.map, prediction.map]
  if (a.width === b.width && a.height === b.height) return
  const what = `${prediction.png} is ${b.width}x${b.height} pixels, ${truth.png} is ${a.width}x${a.height}`
  throw invalid(imageId, what, "resize predictions to the ground truth's size, by nearest neighbour")
}

/** So many segments on both sides take a joint histogram of 1 GiB. */
const MOST_SEGMENTS = 16_384

function checkNumber(imageId: ImageId, { segments, json }: Side<unknown>): void {
  if (segments.length <= MOST_SEGMENTS) return
  const what = `${json} lists ${segments.length} segments; at most ${MOST_SEGMENTS} can be scored`
  throw invalid(imageId, what, 'cut the image into tiles')
}

function some(ids: readonly number[]): string {
  return ids.length > 12 ? `${ids.slice(0, 12).join(', ')}, ...` : ids.join(', ')
}

function invalid(imageId: ImageId, what: string, hint: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId}: ${what}`, { hint })
}
