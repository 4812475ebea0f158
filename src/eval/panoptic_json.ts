import { existsSync } from 'node:fs'
import { parsePanoptic, type PanopticAnnotation, type PanopticSegment } from '../data/coco_json.ts'
import type { Category, Segment } from '../data/image_set.ts'
import { readBytes, textOf } from '../data/source_file.ts'
import { TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { UNDEFINED_CATEGORY } from './segments.ts'

/** One image of a ground truth. */
export interface TruthAnnotation extends Omit<PanopticAnnotation, 'segments'> {
  readonly segments: readonly Segment[]
}

/** A ground truth, as its JSON lists it. */
export interface Truth {
  readonly file: string
  /** Of the JSON, in hex. */
  readonly sha256: string
  readonly categories: readonly Category[]
  readonly annotations: readonly TruthAnnotation[]
}

/**
 * A ground truth as panopticapi reads it: nothing is checked but what it needs. Of two segments or categories with one
 * id the last counts, at the place of the first, as in a Python dict.
 */
export function readTruth(file: string): Truth {
  const text = readText(file)
  const json = parsePanoptic(textOf(text, file), file)
  const categories = lastById(json.categories)
  if (categories.length === 0) {
    throw new TuneError('data/invalid', `${file}: lists no categories`, { hint: 'a ground truth names its classes' })
  }
  const indexOf = new Map(categories.map(({ id }, index) => [id, index]))
  const annotations = json.annotations.map(({ imageId, fileName, segments }) => {
    const toSegment = ({ id, categoryId, isCrowd, area }: PanopticSegment): Segment => {
      const missing = isCrowd === undefined ? 'iscrowd' : 'area'
      if (isCrowd === undefined || area === undefined) {
        throw new TuneError('data/invalid', `${file}: image ${imageId}: segment ${id} has no '${missing}'`, {
          hint: 'segments of a ground truth have id, category_id, iscrowd and area',
        })
      }
      return { id, category: indexOf.get(categoryId) ?? UNDEFINED_CATEGORY, isCrowd, area }
    }
    return { imageId, fileName, segments: lastById(segments).map(toSegment) }
  })
  return { file, sha256: fingerprint(text), categories, annotations }
}

/** The predictions by image id; of two for one image, or two segments with one id, the last counts. */
export function readPredictions(file: string): ReadonlyMap<number | string, PanopticAnnotation> {
  const annotations = parsePanoptic(textOf(readText(file), file), file).annotations.map((annotation) => ({
    ...annotation,
    segments: lastById(annotation.segments),
  }))
  return new Map(annotations.map((annotation) => [annotation.imageId, annotation]))
}

function readText(file: string): Buffer {
  if (!existsSync(file)) {
    const hint = 'check the path: a COCO panoptic JSON is expected there'
    throw new TuneError('data/missing', `${file}: no such file`, { hint })
  }
  return readBytes(file, 'the JSON')
}

/** Of items with one id the last, at the place of the first, as in a Python dict. */
export function lastById<T extends { readonly id: number }>(items: readonly T[]): readonly T[] {
  const last = new Map<number, T>()
  for (const item of items) last.set(item.id, item)
  return last.size === items.length ? items : [...last.values()]
}
