import { join } from 'node:path'
import { decodeIds } from '../data/png.ts'
import { readBytes } from '../data/source_file.ts'
import { TuneError } from '../errors.ts'
import { boundaryCounts } from './boundary.ts'
import type { PanopticFiles, ScoredFiles } from './panoptic_files.ts'
import { readPredictions, readTruth } from './panoptic_json.ts'
import { isPredictionFile } from './prediction_file.ts'

/** The counts of Boundary PQ of each image, of files that `scoreFiles` scored: they are not checked again. */
export function scoreBoundaryFiles({ truthJson, truthDir, predictionJson, predictionDir }: PanopticFiles): ScoredFiles {
  needsPngs(predictionJson, '--boundary')
  const { categories, annotations } = readTruth(truthJson)
  const predictions = readPredictions(predictionJson)
  const indexOf = new Map(categories.map(({ id }, index) => [id, index]))
  const images = annotations.map(({ imageId, fileName, segments }) => {
    const prediction = predictions.get(imageId)!
    const read = (png: string) => decodeIds(readBytes(png, `the label PNG of image ${imageId}`), png)
    const predicted = prediction.segments.map(({ id, categoryId }) => ({ id, category: indexOf.get(categoryId)! }))
    const counts = boundaryCounts(
      { map: read(join(truthDir, fileName)), segments },
      { map: read(join(predictionDir, prediction.fileName)), segments: predicted },
      categories,
    )
    return { imageId, counts }
  })
  return { categories, images }
}

/** What looks at single pixels or at ids takes predictions as they were before they became runs. */
export function needsPngs(predictionJson: string, flag: string): void {
  if (!isPredictionFile(predictionJson)) return
  throw new TuneError('usage', `${flag} reads predictions as a COCO panoptic JSON with PNGs; ${predictionJson} is a file of runs`, {
    hint: `leave out ${flag}, or give the PNGs`,
  }) // prettier-ignore
}
