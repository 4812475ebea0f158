import { TuneError } from '../errors.ts'
import type { Rle } from './coco_rle.ts'
import type { Detection, ScoredInstances, TruthInstance } from './ap.ts'
import { areaOf, boxesOf, boxOverlap, maskOverlap } from './instance_overlap.ts'
import { AREA, BOX, FINITE, FLAG, fieldOf, ID, isRecord, listOf, placeOf, readJson, SIDE, WHOLE, wrong, type JsonList } from './json_list.ts' // prettier-ignore
import { isFollowable, rleFromPolygon } from './rle_polygon.ts'
import { segmentationOf, type Size } from './segmentation_json.ts'

/** Whether masks or boxes are compared; named as COCO names it. */
export type IouType = 'segm' | 'bbox'

/** Ground truth and detections of files, ready to be scored, and what of them was left out. */
export interface InstanceFiles extends ScoredInstances {
  /** By their ids, in ascending order. */
  readonly classes: readonly { readonly id: number; readonly name: string }[]
  /** Detections of categories that the ground truth does not define: COCOeval ignores them, too. */
  readonly strays: number
}

/**
 * Reads COCO instances and COCO results as pycocotools pairs them (`COCO.loadRes` and `COCOeval._prepare`, 8c9bcc3). What
 * has no image or category there is ignored, as a detection of an unknown image is not: that is an error, as are
 * annotations that share an id, of which pycocotools counts the last twice.
 */
export function readInstances(truthJson: string, detectionJson: string, iou: IouType): InstanceFiles {
  const frame = readFrame(truthJson)
  const truth = readTruth(frame, iou)
  const { strays, ...detections } = readDetections(frame, detectionJson, iou)
  const isCrowd = (g: number) => truth.instances[g]!.isCrowd
  return {
    categories: frame.classes.map(({ id }) => id),
    classes: frame.classes,
    images: frame.imageOf.size,
    truth: truth.instances,
    detections: detections.instances,
    overlap:
      iou === 'segm'
        ? maskOverlap(detections.masks, truth.masks, isCrowd)
        : boxOverlap(Float64Array.from(detections.boxes), Float64Array.from(truth.boxes), isCrowd),
    strays,
  }
}

/** What a ground truth says of images and categories, both in the order of their ids. */
interface Frame {
  readonly file: string
  readonly annotations: JsonList
  readonly classes: InstanceFiles['classes']
  readonly categoryOf: ReadonlyMap<number, number>
  readonly imageOf: ReadonlyMap<number | string, number>
  readonly sizes: readonly Size[]
}

/** Instances of one side; by the type of IoU either their masks or their boxes, four numbers each. */
interface Side<T> {
  readonly instances: T[]
  readonly masks: Rle[]
  readonly boxes: number[]
}

function readFrame(file: string): Frame {
  const root = readJson(file, 'a COCO instances JSON')
  if (!isRecord(root)) throw wrong(file, 'the file', root, 'an object')
  const imageList = listOf(file, 'images', root['images'])
  const images = imageList.items.map((_, i) => ({
    id: fieldOf(imageList, i, 'id', ID),
    height: fieldOf(imageList, i, 'height', SIDE),
    width: fieldOf(imageList, i, 'width', SIDE),
  }))
  const list = listOf(file, 'categories', root['categories'])
  if (list.items.length === 0) throw wrong(file, 'categories', [], 'at least one category')
  const classes = inOrderOfIds(
    list.items.map((item, i) => ({ id: fieldOf(list, i, 'id', WHOLE), name: String(item['name'] ?? item['id']) })),
  )
  const sizes = inOrderOfIds(images)
  return {
    file,
    annotations: listOf(file, 'annotations', root['annotations']),
    classes,
    categoryOf: new Map(classes.map(({ id }, index) => [id, index])),
    imageOf: new Map(sizes.map(({ id }, index) => [id, index])),
    sizes,
  }
}

/** Of several with one id the last counts, as in a Python dict. */
function inOrderOfIds<T extends { readonly id: number | string }>(items: readonly T[]): readonly T[] {
  const unique = [...new Map(items.map((item) => [item.id, item])).values()]
  return unique.toSorted((a, b) => (a.id < b.id ? -1 : Number(a.id > b.id)))
}

function readTruth({ annotations: list, categoryOf, imageOf, sizes }: Frame, iou: IouType): Side<TruthInstance> {
  const side: Side<TruthInstance> = { instances: [], masks: [], boxes: [] }
  const indexOf = new Map<number, number>()
  for (let i = 0; i < list.items.length; i++) {
    const id = fieldOf(list, i, 'id', WHOLE)
    if (indexOf.has(id)) throw repeated(list, indexOf.get(id)!, i)
    indexOf.set(id, i)
    const image = imageOf.get(fieldOf(list, i, 'image_id', ID))
    const category = categoryOf.get(fieldOf(list, i, 'category_id', WHOLE))
    if (image === undefined || category === undefined) continue
    const isCrowd = Boolean(fieldOf(list, i, 'iscrowd', FLAG))
    side.instances.push({ id, image, category, isCrowd, area: fieldOf(list, i, 'area', AREA) })
    if (iou === 'segm') side.masks.push(segmentationOf(list, i, sizes[image]!))
    else side.boxes.push(...fieldOf(list, i, 'bbox', BOX))
  }
  return side
}

function readDetections(frame: Frame, file: string, iou: IouType): Side<Detection> & { readonly strays: number } {
  const list = listOf(file, '', readJson(file, 'a COCO results JSON'))
  const [first] = list.items
  if (!first) throw wrong(file, 'the file', [], 'at least one detection')
  const side: Side<Detection> = { instances: [], masks: [], boxes: [] }
  // The first one decides for all what they are: beside a box a mask has the area of that box.
  const box = first['bbox']
  const hasBoxes = box !== undefined && !(Array.isArray(box) && box.length === 0)
  const shapeOf = hasBoxes ? shapeOfBox : shapeOfMask
  let strays = 0
  for (let i = 0; i < list.items.length; i++) {
    const imageId = fieldOf(list, i, 'image_id', ID)
    const image = frame.imageOf.get(imageId)
    if (image === undefined) throw unknownImage(list, i, imageId, frame.file)
    const category = frame.categoryOf.get(fieldOf(list, i, 'category_id', WHOLE))
    const score = fieldOf(list, i, 'score', FINITE)
    const { area, mask, box } = shapeOf(list, i, frame.sizes[image]!, iou)
    if (category === undefined) strays++
    else {
      side.instances.push({ image, category, score, area })
      if (mask) side.masks.push(mask)
      if (box) side.boxes.push(...box)
    }
  }
  return { ...side, strays }
}

/** A detection's shape of the kind that is compared, and the area that decides whether it is small, medium or large. */
interface Shape {
  readonly area: number
  readonly mask?: Rle
  readonly box?: Iterable<number>
}

function shapeOfBox(list: JsonList, index: number, size: Size, iou: IouType): Shape {
  const box = fieldOf(list, index, 'bbox', BOX)
  const [x, y, width, height] = box
  const area = width * height
  if (iou === 'bbox') return { area, box }
  if (list.items[index]?.['segmentation'] !== undefined) return { area, mask: segmentationOf(list, index, size) }
  const [right, bottom] = [x + width, y + height]
  const corners = [x, y, x, bottom, right, bottom, right, y]
  if (!isFollowable(corners))
    throw wrong(list.file, `${placeOf(list, index)}.bbox`, box, 'a box no larger than an image')
  return { area, mask: rleFromPolygon(corners, size.height, size.width) }
}

function shapeOfMask(list: JsonList, index: number, size: Size, iou: IouType): Shape {
  const mask = segmentationOf(list, index, size)
  const area = areaOf(mask)
  if (iou === 'segm') return { area, mask }
  const hasBox = list.items[index]?.['bbox'] !== undefined
  return { area, box: hasBox ? fieldOf(list, index, 'bbox', BOX) : boxesOf([mask]) }
}

function repeated(list: JsonList, first: number, second: number): TuneError {
  const message = `${list.file}: ${list.path}[${first}] and ${placeOf(list, second)} have one id`
  return new TuneError('data/invalid', message, { hint: 'give each annotation an id of its own' })
}

function unknownImage(list: JsonList, index: number, id: number | string, truth: string): TuneError {
  const message = `${list.file}: ${placeOf(list, index)}.image_id is ${JSON.stringify(id)}, an image that ${truth} does not have`
  return new TuneError('data/invalid', message, { hint: 'score detections against the split that they were made for' })
}
