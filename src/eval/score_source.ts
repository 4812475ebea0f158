import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { decodeIdRuns } from '../data/png_runs.ts'
import { readBytes } from '../data/source_file.ts'
import { TuneError } from '../errors.ts'
import type { EvalImage, EvalSet } from './eval_set.ts'
import { kernelOf } from './kernel.ts'
import { readPredictions } from './panoptic_json.ts'
import { readHeader } from './png_header.ts'
import type { Counts } from './pq.ts'
import { isPredictionFile, openPredictions } from './prediction_file.ts'
import { checkSizes, inOrder, scorePrediction, type PredictedImage } from './score_ids.ts'

/** Predictions that are read image by image. */
export interface PredictionSource {
  readonly file: string
  /** What is predicted for an image; undefined where that is nothing, not even void. */
  predictionOf(image: EvalImage): PredictedImage | undefined
}

/**
 * Opens a file of runs, or a COCO panoptic JSON whose label PNGs lie in the folder of the same name: `val/` beside
 * `val.json`. `checkFile` is told each other file before it is read.
 */
export function openSource(file: string, checkFile: (file: string) => void = () => {}): PredictionSource {
  if (isPredictionFile(file)) {
    const { images } = openPredictions(file)
    return { file, predictionOf: ({ imageId }) => images.get(imageId) }
  }
  const predictions = readPredictions(file)
  const dir = file.replace(/\.json$/i, '')
  return {
    file,
    predictionOf(image) {
      const annotation = predictions.get(image.imageId)
      if (!annotation) return undefined
      const png = join(dir, annotation.fileName)
      checkFile(png)
      checkHeader(image, png)
      const map = decodeIdRuns(readBytes(png, `the label PNG of image ${image.imageId}`), png)
      return { map, segments: inOrder(annotation.segments), png, json: file }
    },
  }
}

/** A PNG of another size is not inflated: it could be of gigabytes. */
function checkHeader({ imageId, file, width, height }: EvalImage, png: string): void {
  const header = readHeader(png)
  if (header) checkSizes(imageId, { png: file, size: `${width}x${height}` }, { png, size: header.size })
}

/** The counts of each image of a set. Between two images others get their turn: this may take seconds. */
export async function scoreSource(
  set: EvalSet,
  source: PredictionSource,
  signal: AbortSignal,
): Promise<readonly Counts[]> {
  const kernel = kernelOf(undefined)
  const counts: Counts[] = []
  for (const image of set.images) {
    const prediction = source.predictionOf(image)
    if (!prediction) throw missing(image, source.file)
    counts.push(scorePrediction(image, prediction, set.categories, kernel))
    await setImmediate(undefined, { signal })
  }
  return counts
}

function missing({ imageId }: EvalImage, file: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId} has no prediction in ${file}`, {
    hint: 'each image of the ground truth needs one, if only all void with no segments',
  })
}
