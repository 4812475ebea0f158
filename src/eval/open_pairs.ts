import { join } from 'node:path'
import { parsePanoptic, type PanopticAnnotation, type PanopticJson, type PanopticSegment } from '../data/coco_json.ts'
import { decodeIds, type IdImage } from '../data/png.ts'
import { readBytes, textOf } from '../data/source_file.ts'
import type { PanopticFiles } from './panoptic_files.ts'
import { isPredictionFile, openPredictions, type PredictedRuns } from './prediction_file.ts'
import { toLabels } from './run_map.ts'

/** Both sides as they are written, nothing merged and nothing checked, and the images that both have. */
export interface OpenPairs {
  readonly truth: PanopticJson
  readonly prediction: PanopticJson
  /** Each reads its PNGs when it is called: never more than one image is in memory. */
  readonly pairs: readonly (() => OpenPair)[]
}

export interface OpenPair {
  readonly imageId: number | string
  readonly truth: OpenSide
  readonly prediction: OpenSide
}

interface OpenSide {
  readonly map: IdImage
  /** The file that the map is from. */
  readonly png: string
  readonly segments: readonly PanopticSegment[]
}

/** One side of a comparison: what its file lists, and the pixels of what it lists. */
export interface Side {
  readonly json: PanopticJson
  open(annotation: PanopticAnnotation): OpenSide
}

/** Opens files to look for what is odd about them. */
export function openPairs(files: PanopticFiles): OpenPairs {
  const [truth, prediction] = [jsonSide(files.truthJson, files.truthDir), predictionSide(files)]
  const predictionOf = new Map(prediction.json.annotations.map((annotation) => [annotation.imageId, annotation]))
  const pairs = truth.json.annotations.flatMap((annotation) => {
    const { imageId } = annotation
    const predicted = predictionOf.get(imageId)
    if (!predicted) return []
    return [() => ({ imageId, truth: truth.open(annotation), prediction: prediction.open(predicted) })]
  })
  return { truth: truth.json, prediction: prediction.json, pairs }
}

/** Predictions as JSON with PNGs, or as a file of runs. */
export function predictionSide({ predictionJson, predictionDir }: PanopticFiles): Side {
  return isPredictionFile(predictionJson) ? runSide(predictionJson) : jsonSide(predictionJson, predictionDir)
}

function jsonSide(file: string, dir: string): Side {
  return {
    json: parsePanoptic(textOf(readBytes(file, 'the JSON'), file), file),
    open({ imageId, fileName, segments }) {
      const png = join(dir, fileName)
      return { map: decodeIds(readBytes(png, `the label PNG of image ${imageId}`), png), png, segments }
    },
  }
}

function runSide(file: string): Side {
  const { images } = openPredictions(file)
  const annotations = [...images].map(([imageId, { segments }]) => {
    const listed = segments.map((segment) => ({ ...segment, isCrowd: undefined, area: undefined }))
    return { imageId, fileName: file, segments: listed }
  })
  return {
    json: { images: [], annotations, categories: [] },
    open: ({ imageId, segments }) => ({ map: idsOf(images.get(imageId)!), png: file, segments }),
  }
}

function idsOf({ map, segments }: PredictedRuns): IdImage {
  const idOf = [0, ...segments.map(({ id }) => id)]
  return { width: map.width, height: map.height, ids: Uint32Array.from(toLabels(map), (label) => idOf[label]!) }
}

/** Pixels of each id of an image, void among them. */
export function idAreas({ ids }: IdImage): ReadonlyMap<number, number> {
  const areas = new Map<number, number>()
  // A run needs one look-up.
  for (let from = 0, to = 0; from < ids.length; from = to) {
    const id = ids[from]!
    while (to < ids.length && ids[to] === id) to++
    areas.set(id, (areas.get(id) ?? 0) + to - from)
  }
  return areas
}
