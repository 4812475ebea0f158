import type { Category, Segment } from '../data/image_set.ts'
import type { IdImage } from '../data/png.ts'
import { TuneError } from '../errors.ts'
import type { ListedSegment } from './panoptic_json.ts'
import { emptyCounts, type Counts } from './pq.ts'
import { countSegments, jointHistogram } from './segments.ts'

/** One side of an image: its map of segment ids, the segments listed for it, and its files' names for messages. */
export interface Side<S> {
  readonly map: IdImage
  readonly segments: readonly S[]
  readonly png: string
  readonly json: string
}

type ImageId = number | string

/**
 * The counts of one image given as segment ids, after panopticapi's checks in its order: the ground truth is trusted,
 * the prediction is not. Sizes that numpy would broadcast are refused.
 */
export function scoreIds(
  imageId: ImageId,
  truth: Side<Segment>,
  prediction: Side<ListedSegment>,
  categories: readonly Category[],
): Counts {
  const indexOf = new Map(categories.map(({ id }, index) => [id, index]))
  checkIds(imageId, prediction, indexOf)
  checkSizes(imageId, truth, prediction)
  checkNumber(imageId, truth)
  checkNumber(imageId, prediction)

  // Labels in the order of ids: panopticapi's sums run over both ids in ascending order.
  const listed = prediction.segments.toSorted((a, b) => a.id - b.id)
  const predicted = listed.map(({ categoryId }) => ({ category: indexOf.get(categoryId)! }))
  // Where id 0 is listed it is void all the same in the ground truth, but a segment in a prediction.
  const truthLabels = labelsOf(truth.map, new Map([...labelById(truth.segments), [0, 0]]))
  const predictionLabels = labelsOf(prediction.map, new Map([[0, 0], ...labelById(listed)]))

  const joint = jointHistogram(truthLabels, predictionLabels, truth.segments.length, predicted.length)
  const counts = emptyCounts(categories)
  countSegments(joint, truth.segments, predicted, counts)
  return counts
}

function checkIds(imageId: ImageId, side: Side<ListedSegment>, categories: ReadonlyMap<number, number>): void {
  const { map, segments, png, json } = side
  const listed = new Map(segments.map((segment) => [segment.id, segment]))
  const present = distinct(map.ids)
  for (const id of present) {
    const segment = listed.get(id)
    if (segment && !categories.has(segment.categoryId)) {
      const what = `segment ${id} of ${json} has category ${segment.categoryId}, which the ground truth does not define`
      throw invalid(imageId, what, `predictions use the ground truth's category ids: ${some([...categories.keys()])}`)
    }
    if (!segment && id !== 0) {
      const hint = 'list each id of the PNG in segments_info, and paint what belongs to no segment with 0'
      throw invalid(imageId, `segment ${id} has pixels in ${png} but is not listed in ${json}`, hint)
    }
    listed.delete(id)
  }
  if (listed.size > 0) {
    const what = `${json} lists segment ${some([...listed.keys()])}, which has no pixel in ${png}`
    throw invalid(imageId, what, 'list only segments that can still be seen once all are painted')
  }
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
  if (segments.length < MOST_SEGMENTS) return
  const what = `${json} lists ${segments.length} segments, more than the ${MOST_SEGMENTS - 1} that can be scored`
  throw invalid(imageId, what, 'cut the image into tiles')
}

function labelById(segments: readonly { readonly id: number }[]): readonly (readonly [id: number, label: number])[] {
  return segments.map(({ id }, index) => [id, index + 1])
}

/** A label above every listed one. */
const UNLISTED = 0xffff

function labelsOf({ ids }: IdImage, labels: ReadonlyMap<number, number>): Uint16Array {
  const result = new Uint16Array(ids.length)
  let [id, label] = [-1, UNLISTED]
  for (let i = 0; i < ids.length; i++) {
    // Neighbours are mostly alike, and a look-up costs more than a comparison.
    if (ids[i] !== id) {
      id = ids[i]!
      label = labels.get(id) ?? UNLISTED
    }
    result[i] = label
  }
  return result
}

/** The ids that occur, ascending. */
function distinct(ids: Uint32Array): readonly number[] {
  const seen = new Set<number>()
  for (let i = 0; i < ids.length; i++) {
    if (i === 0 || ids[i] !== ids[i - 1]) seen.add(ids[i]!)
  }
  return [...seen].toSorted((a, b) => a - b)
}

function some(ids: readonly number[]): string {
  return ids.length > 12 ? `${ids.slice(0, 12).join(', ')}, ...` : ids.join(', ')
}

function invalid(imageId: ImageId, what: string, hint: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId}: ${what}`, { hint })
}
