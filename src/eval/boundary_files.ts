import { join } from 'node:path'
import { decodeIds } from '../data/png.ts'
import { readBytes } from '../data/source_file.ts'
import { boundaryCounts } from './boundary.ts'
import { predictionSide } from './open_pairs.ts'
import type { PanopticFiles, ScoredFiles } from './panoptic_files.ts'
import { lastById, readTruth } from './panoptic_json.ts'

/** The counts of Boundary PQ of each image, of files that `scoreFiles` scored: they are not checked again. */
export function scoreBoundaryFiles(files: PanopticFiles): ScoredFiles {
  const { categories, annotations } = readTruth(files.truthJson)
  const predictions = predictionSide(files)
  const predictionOf = new Map(predictions.json.annotations.map((annotation) => [annotation.imageId, annotation]))
  const indexOf = new Map(categories.map(({ id }, index) => [id, index]))
  const images = annotations.map(({ imageId, fileName, segments }) => {
    const png = join(files.truthDir, fileName)
    const map = decodeIds(readBytes(png, `the label PNG of image ${imageId}`), png)
    const prediction = predictions.open(predictionOf.get(imageId)!)
    const listed = lastById(prediction.segments).map(({ id, categoryId }) => ({
      id,
      category: indexOf.get(categoryId)!,
    }))
    const counts = boundaryCounts({ map, segments }, { map: prediction.map, segments: listed }, categories)
    return { imageId, counts }
  })
  return { categories, images }
}
