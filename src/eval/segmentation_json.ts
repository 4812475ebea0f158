import { isTuneError, TuneError } from '../errors.ts'
import { MOST_PIXELS, rleFromCounts, rleFromString, type Rle } from './coco_rle.ts'
import { isRecord, placeOf, SIDE, wrong, type JsonList } from './json_list.ts'
import { isFollowable, rleFromPolygon, unionOf } from './rle_polygon.ts'

/** Size of an image in pixels. */
export interface Size {
  readonly height: number
  readonly width: number
}

/**
 * The mask of an item's `segmentation`: a compressed or an uncompressed RLE of any size, or polygons in an image of this
 * size. Whatever pycocotools would crash on, hang on or misread is refused with its place.
 */
export function segmentationOf(list: JsonList, index: number, image: Size): Rle {
  const value = list.items[index]?.['segmentation']
  const refuse = (name: string, found: unknown, expected: string) =>
    wrong(list.file, `${placeOf(list, index)}.segmentation${name}`, found, expected)
  if (Array.isArray(value)) return maskOfPolygons(value, image, refuse)
  if (!isRecord(value)) throw refuse('', value, 'an RLE or a list of polygons')

  const { counts, size } = value
  const [height, width]: unknown[] = Array.isArray(size) && size.length === 2 ? size : []
  if (!SIDE.is(height) || !SIDE.is(width) || height * width > MOST_PIXELS) {
    throw refuse('.size', size, 'height and width, below 2^29 pixels in all')
  }
  if (typeof counts !== 'string' && !isNumbers(counts)) {
    throw refuse('.counts', counts, 'a string or a list of run lengths')
  }
  try {
    return typeof counts === 'string' ? rleFromString(counts, height, width) : rleFromCounts(counts, height, width)
  } catch (error) {
    if (!isTuneError(error)) throw error
    const message = `${list.file}: ${placeOf(list, index)}.segmentation: ${error.message}`
    throw new TuneError('data/invalid', message, { ...(error.hint && { hint: error.hint }), cause: error })
  }
}

function maskOfPolygons(
  polygons: readonly unknown[],
  { height, width }: Size,
  refuse: (name: string, found: unknown, expected: string) => TuneError,
): Rle {
  const [first, ...others] = polygons.map((polygon, i) => {
    // What the first holds decides in pycocotools how all are read: four numbers would be a box, which it refuses.
    const fewest = i === 0 ? 5 : 2
    const isPolygon = isNumbers(polygon) && polygon.length >= fewest && isFollowable(polygon)
    if (!isPolygon) throw refuse(`[${i}]`, polygon, 'a polygon: x0, y0, x1, y1, x2, y2, ...')
    return rleFromPolygon(polygon, height, width)
  })
  if (!first) throw refuse('', polygons, 'at least one polygon')
  return unionOf([first, ...others])
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number')
}
