import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Category } from '../data/image_set.ts'
import { decodeIds, type IdImage } from '../data/png.ts'
import { readBytes } from '../data/source_file.ts'
import { TuneError } from '../errors.ts'
import { readPredictions, readTruth } from './panoptic_json.ts'
import type { Counts } from './pq.ts'
import { scoreIds } from './score_ids.ts'

/** Ground truth and predictions in COCO panoptic format: a JSON and a folder of label PNGs each. */
export interface PanopticFiles {
  readonly truthJson: string
  readonly truthDir: string
  readonly predictionJson: string
  readonly predictionDir: string
}

/** The counts of each image of the ground truth, in its order. */
export interface ScoredFiles {
  readonly categories: readonly Category[]
  readonly images: readonly { readonly imageId: number | string; readonly counts: Counts }[]
}

/** Scores every image of the ground truth. Predictions for other images are ignored, as panopticapi does. */
export function scoreFiles({ truthJson, truthDir, predictionJson, predictionDir }: PanopticFiles): ScoredFiles {
  const { categories, annotations } = readTruth(truthJson)
  const predictions = readPredictions(predictionJson)
  checkFolder(truthDir, 'ground truth')
  checkFolder(predictionDir, 'predictions')
  // All pairs before the first pixel: a missing one is found at once, not after minutes.
  const pairs = annotations.map((truth) => {
    const prediction = predictions.get(truth.imageId)
    if (prediction) return { truth, prediction }
    throw new TuneError('data/invalid', `image ${truth.imageId} has no prediction in ${predictionJson}`, {
      hint: 'each image of the ground truth needs one, if only an all-void PNG with no segments',
    })
  })
  const images = pairs.map(({ truth, prediction }) => {
    const [truthPng, predictionPng] = [join(truthDir, truth.fileName), join(predictionDir, prediction.fileName)]
    const counts = scoreIds(
      truth.imageId,
      { map: readIds(truthPng, truth.imageId), segments: truth.segments, png: truthPng, json: truthJson },
      {
        map: readIds(predictionPng, truth.imageId),
        segments: prediction.segments,
        png: predictionPng,
        json: predictionJson,
      },
      categories,
    )
    return { imageId: truth.imageId, counts }
  })
  return { categories, images }
}

function checkFolder(dir: string, what: string): void {
  if (statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return
  throw new TuneError('data/missing', `${dir}: no such folder; the label PNGs of the ${what} are expected there`)
}

function readIds(file: string, imageId: number | string): IdImage {
  return decodeIds(readBytes(file, `the label PNG of image ${imageId}`), file)
}
