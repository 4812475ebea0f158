import { join } from 'node:path'
import type { PanopticAnnotation } from '../data/coco_json.ts'
import type { Segment } from '../data/image_set.ts'
import type { TruthAnnotation } from './panoptic_json.ts'
import { inOrder, type ListedPrediction } from './score_ids.ts'
import { rowsAt, shareRows, type SharedLists } from './shared_lists.ts'

/** What is to be scored, in a form that costs little to give to every thread. */
export interface JobList {
  readonly imageIds: readonly (number | string)[]
  readonly truth: ListedSide
  readonly predictions: ListedSide
}

/** For each image its label PNG in a folder, and the numbers of its segments. */
interface ListedSide {
  readonly dir: string
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
      dir: dirs.truthDir,
      pngs: pairs.map(({ annotation }) => annotation.fileName),
      segments: shareRows(
        pairs.map(({ annotation }) => annotation.segments),
        TRUTH,
        writeTruth,
      ),
    },
    predictions: {
      dir: dirs.predictionDir,
      pngs: pairs.map(({ prediction }) => prediction.fileName),
      segments: shareRows(
        pairs.map(({ prediction }) => inOrder(prediction.segments)),
        PREDICTION,
        writePrediction,
      ),
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
  return { imageId: imageIds[index]!, truth: pngAt(truth, index), prediction: pngAt(predictions, index) }
}

/** What is listed for an image of the ground truth. */
export function truthAt({ imageIds, truth }: JobList, index: number) {
  return {
    imageId: imageIds[index]!,
    png: pngAt(truth, index),
    segments: rowsAt(truth.segments, index, TRUTH, readTruth),
  }
}

/** The same of its prediction, segments in the order of their ids. */
export function predictionAt({ predictions }: JobList, index: number) {
  return { png: pngAt(predictions, index), segments: rowsAt(predictions.segments, index, PREDICTION, readPrediction) }
}

function pngAt({ dir, pngs }: ListedSide, index: number): string {
  return join(dir, pngs[index]!)
}

/** Numbers of a segment on either side. */
const [TRUTH, PREDICTION] = [4, 2]

function writeTruth({ id, category, isCrowd, area }: Segment, numbers: Float64Array, at: number): void {
  numbers[at] = id
  numbers[at + 1] = category
  numbers[at + 2] = Number(isCrowd)
  numbers[at + 3] = area
}

function readTruth(numbers: Float64Array, at: number): Segment {
  return { id: numbers[at]!, category: numbers[at + 1]!, isCrowd: numbers[at + 2] === 1, area: numbers[at + 3]! }
}

function writePrediction({ id, categoryId }: ListedPrediction, numbers: Float64Array, at: number): void {
  numbers[at] = id
  numbers[at + 1] = categoryId
}

function readPrediction(numbers: Float64Array, at: number): ListedPrediction {
  return { id: numbers[at]!, categoryId: numbers[at + 1]! }
}
