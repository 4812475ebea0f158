import { join } from 'node:path'
import type { PanopticAnnotation } from '../data/coco_json.ts'
import type { Segment } from '../data/image_set.ts'
import type { TruthAnnotation } from './panoptic_json.ts'
import { inOrder, type ListedPrediction } from './score_ids.ts'
import { rowsAt, shareLists, type SharedLists } from './shared_lists.ts'

/** What is to be scored, in a form that costs little to give to every thread. */
export interface JobList {
  readonly imageIds: readonly (number | string)[]
  readonly truth: ListedSide
  readonly predictions: ListedSide
}

/** For each image its label PNG, and the numbers of its segments. */
interface ListedSide {
  readonly pngs: readonly string[]
  readonly segments: SharedLists
}

/** An image of the ground truth, and its prediction. */
export interface ScorePair {
  readonly annotation: TruthAnnotation
  readonly prediction: PanopticAnnotation
}

/** Lists pairs in their order. */
export function listJobs(pairs: readonly ScorePair[], dirs: { truthDir: string; predictionDir: string }): JobList {
  return {
    imageIds: pairs.map(({ annotation }) => annotation.imageId),
    truth: {
      pngs: pairs.map(({ annotation }) => join(dirs.truthDir, annotation.fileName)),
      segments: shareLists(pairs.map(({ annotation }) => annotation.segments.flatMap(truthRow))),
    },
    predictions: {
      pngs: pairs.map(({ prediction }) => join(dirs.predictionDir, prediction.fileName)),
      segments: shareLists(pairs.map(({ prediction }) => inOrder(prediction.segments).flatMap(predictionRow))),
    },
  }
}

/** The two label PNGs of an image. */
export interface PngPair {
  readonly imageId: number | string
  readonly truth: string
  readonly prediction: string
}

export function pngsAt({ imageIds, truth, predictions }: JobList, index: number): PngPair {
  return { imageId: imageIds[index]!, truth: truth.pngs[index]!, prediction: predictions.pngs[index]! }
}

/** What is listed for an image of the ground truth. */
export function truthAt({ imageIds, truth }: JobList, index: number) {
  return { imageId: imageIds[index]!, png: truth.pngs[index]!, segments: rowsAt(truth.segments, index, 4, truthOf) }
}

/** The same of its prediction, segments in the order of their ids. */
export function predictionAt({ predictions }: JobList, index: number) {
  return { png: predictions.pngs[index]!, segments: rowsAt(predictions.segments, index, 2, predictionOf) }
}

function truthRow({ id, category, isCrowd, area }: Segment): readonly [number, number, number, number] {
  return [id, category, Number(isCrowd), area]
}

function truthOf(row: Float64Array): Segment {
  return { id: row[0]!, category: row[1]!, isCrowd: row[2] === 1, area: row[3]! }
}

function predictionRow({ id, categoryId }: ListedPrediction): readonly [number, number] {
  return [id, categoryId]
}

function predictionOf(row: Float64Array): ListedPrediction {
  return { id: row[0]!, categoryId: row[1]! }
}
