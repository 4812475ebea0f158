import { TuneError } from '../errors.ts'
import type { PanopticAnnotation, PanopticImage, PanopticJson } from './coco_json.ts'
import type { Category, Segment } from './image_set.ts'
import { UNLISTED } from './labels.ts'

/** An image as its JSON describes it, every id checked; neither photograph nor labels were read yet. */
export interface ListedScene {
  readonly image: PanopticImage
  /** File name of the label PNG. */
  readonly png: string
  readonly segments: readonly ListedSegment[]
}

/** A segment whose area the JSON may leave out. */
type ListedSegment = Omit<Segment, 'area'> & { readonly area: number | undefined }

const MAX_ID = 0xffffff

/** The classes in the order of the JSON. Throws `data/invalid`; `file` names the JSON in messages. */
export function checkCategories({ categories }: PanopticJson, file: string): readonly Category[] {
  if (categories.length === 0) throw invalid(`${file}: lists no categories`, 'a label file names its classes')
  const repeated = firstRepeated(categories.map(({ id }) => id))
  if (repeated !== undefined) throw invalid(`${file}: category id ${repeated} is listed twice`)
  return categories
}

/** The images in the order of the JSON, each with its annotation. Throws `data/invalid` where ids do not fit. */
export function checkScenes(json: PanopticJson, file: string): readonly ListedScene[] {
  const { images, annotations } = json
  if (images.length === 0) throw invalid(`${file}: lists no images`, 'a ground truth lists its images')
  const repeated = firstRepeated(images.map(({ id }) => id))
  if (repeated !== undefined) throw invalid(`${file}: image id ${shown(repeated)} is listed twice`)
  const twice = firstRepeated(annotations.map(({ imageId }) => imageId))
  if (twice !== undefined) throw invalid(`${file}: image ${shown(twice)} has two annotations`)
  const listed = new Set(images.map(({ id }) => id))
  const stray = annotations.find(({ imageId }) => !listed.has(imageId))
  if (stray) throw invalid(`${file}: there is an annotation of image ${shown(stray.imageId)}, which is not listed`)

  const annotationOf = new Map(annotations.map((annotation) => [annotation.imageId, annotation]))
  const categoryIndex = new Map(json.categories.map(({ id }, i) => [id, i]))
  return images.map((image) => {
    const annotation = annotationOf.get(image.id)
    if (!annotation) throw invalid(`${file}: image ${shown(image.id)} (${image.fileName}) has no annotation`)
    return { image, png: annotation.fileName, segments: checkSegments(annotation, categoryIndex, file) }
  })
}

function checkSegments(
  { imageId, segments }: PanopticAnnotation,
  categoryIndex: ReadonlyMap<number, number>,
  file: string,
): readonly ListedSegment[] {
  const where = `${file}: image ${shown(imageId)}`
  if (segments.length >= UNLISTED) throw invalid(`${where}: ${segments.length} segments; at most ${UNLISTED - 1} fit`)
  const repeated = firstRepeated(segments.map(({ id }) => id))
  if (repeated !== undefined) throw invalid(`${where}: segment id ${repeated} is listed twice`)
  return segments.map(({ id, categoryId, isCrowd = false, area }) => {
    if (id === 0) throw invalid(`${where}: segment id 0 is listed, but 0 means void`, 'number segments from 1')
    if (id < 0 || id > MAX_ID)
      throw invalid(`${where}: segment id ${id} does not fit into a PNG`, `ids are 1 to ${MAX_ID}`)
    const category = categoryIndex.get(categoryId)
    if (category === undefined) {
      throw invalid(
        `${where}: segment ${id} has the unknown category id ${categoryId}`,
        `the categories are ${[...categoryIndex.keys()].join(', ')}`,
      )
    }
    return { id, category, isCrowd, area }
  })
}

/** The first value that an earlier one equals. */
function firstRepeated<T>(values: readonly T[]): T | undefined {
  const seen = new Set<T>()
  for (const value of values) {
    if (seen.has(value)) return value
    seen.add(value)
  }
  return undefined
}

function shown(id: number | string): string {
  return JSON.stringify(id)
}

function invalid(message: string, hint = 'correct the file; nothing of it was used'): TuneError {
  return new TuneError('data/invalid', message, { hint })
}
