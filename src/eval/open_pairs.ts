import { join } from 'node:path'
import { parsePanoptic, type PanopticJson, type PanopticSegment } from '../data/coco_json.ts'
import { decodeIds, type IdImage } from '../data/png.ts'
import { readBytes } from '../data/source_file.ts'
import { needsPngs } from './boundary_files.ts'
import type { PanopticFiles } from './panoptic_files.ts'

/** Both JSONs as they are written, nothing merged and nothing checked, and the images that both have. */
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
  readonly png: string
  readonly segments: readonly PanopticSegment[]
}

/** Opens files to look for what is odd about them. */
export function openPairs({ truthJson, truthDir, predictionJson, predictionDir }: PanopticFiles): OpenPairs {
  needsPngs(predictionJson, '--strict')
  const truth = parsePanoptic(readBytes(truthJson, 'the JSON').toString(), truthJson)
  const prediction = parsePanoptic(readBytes(predictionJson, 'the JSON').toString(), predictionJson)
  const predictionOf = new Map(prediction.annotations.map((annotation) => [annotation.imageId, annotation]))
  const pairs = truth.annotations.flatMap((annotation) => {
    const { imageId } = annotation
    const predicted = predictionOf.get(imageId)
    if (!predicted) return []
    const open = (dir: string, { fileName, segments }: typeof annotation): OpenSide => {
      const png = join(dir, fileName)
      return { map: decodeIds(readBytes(png, `the label PNG of image ${imageId}`), png), png, segments }
    }
    return [() => ({ imageId, truth: open(truthDir, annotation), prediction: open(predictionDir, predicted) })]
  })
  return { truth, prediction, pairs }
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
