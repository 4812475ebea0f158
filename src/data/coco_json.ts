import { messageOf, TuneError } from '../errors.ts'
import { found, parsePythonJson } from '../json.ts'
import { MOST_PIXELS } from './png_file.ts'

/** A COCO panoptic JSON, as far as we read it. Only its shape was checked: ids may repeat or point nowhere. */
export interface PanopticJson {
  /** Empty where the file has none, as files of predictions do. */
  readonly images: readonly PanopticImage[]
  readonly annotations: readonly PanopticAnnotation[]
  /** Empty where the file has none. */
  readonly categories: readonly PanopticCategory[]
}

export interface PanopticImage {
  readonly id: number | string
  readonly fileName: string
  readonly width: number
  readonly height: number
}

export interface PanopticAnnotation {
  readonly imageId: number | string
  /** The label PNG. */
  readonly fileName: string
  readonly segments: readonly PanopticSegment[]
}

export interface PanopticSegment {
  readonly id: number
  readonly categoryId: number
  /** Absent in predictions. */
  readonly isCrowd: boolean | undefined
  /** Pixels; absent in predictions. */
  readonly area: number | undefined
}

interface PanopticCategory {
  readonly id: number
  readonly name: string
  readonly isThing: boolean
}

/** Parses the text of `file`. Throws `data/invalid` with the place of the first value that has another shape. */
export function parsePanoptic(text: string, file: string): PanopticJson {
  let json: unknown
  try {
    json = parsePythonJson(text)
  } catch (error) {
    throw new TuneError('data/invalid', `${file}: not JSON: ${messageOf(error)}`, { hint: ONE_SHAPE, cause: error })
  }
  const root = record(json, file)
  return {
    images: optionalList(root, 'images', parseImage),
    annotations: list(root, 'annotations', parseAnnotation),
    categories: optionalList(root, 'categories', parseCategory),
  }
}

function parseImage(at: Place): PanopticImage {
  const image = {
    id: field(at, 'id', isId, 'a whole number or a string'),
    fileName: field(at, 'file_name', isFileName, 'a relative path that stays inside its directory'),
    width: field(at, 'width', isSize, 'a whole number from 1'),
    height: field(at, 'height', isSize, 'a whole number from 1'),
  }
  // Memory is made for what the JSON says, before a PNG is seen.
  if (image.width * image.height <= MOST_PIXELS) return image
  throw wrong(at.file, pathTo(at, 'height'), image.height, `2^27 pixels at most, with a width of ${image.width}`)
}

function parseAnnotation(at: Place): PanopticAnnotation {
  return {
    imageId: field(at, 'image_id', isId, 'a whole number or a string'),
    fileName: field(at, 'file_name', isFileName, 'a relative path that stays inside its directory'),
    segments: list(at, 'segments_info', parseSegment),
  }
}

function parseSegment(at: Place): PanopticSegment {
  const crowd = field(at, 'iscrowd', isOptionalFlag, '0 or 1')
  return {
    id: field(at, 'id', isWhole, 'a whole number'),
    categoryId: field(at, 'category_id', isWhole, 'a whole number'),
    isCrowd: crowd === undefined ? undefined : Boolean(crowd),
    area: field(at, 'area', isOptionalArea, 'a number of pixels from 0'),
  }
}

function parseCategory(at: Place): PanopticCategory {
  const id = field(at, 'id', isWhole, 'a whole number')
  return {
    id,
    name: field(at, 'name', isOptionalString, 'a string') ?? `category ${id}`,
    isThing: Boolean(field(at, 'isthing', isFlag, '0 or 1')),
  }
}

const ONE_SHAPE = 'the file should be in the COCO panoptic format: images, annotations and categories'

/** An object, and where it stands, which only a message spells out: there are a hundred thousand in a file. */
interface Place {
  readonly fields: Readonly<Record<string, unknown>>
  readonly file: string
  /** The object whose list it is in, the list's name, and its place there; the file's own object is in none. */
  readonly parent: Place | undefined
  readonly name: string
  readonly index: number
}

function record(value: unknown, file: string, name = '', index = 0, parent?: Place): Place {
  if (isRecord(value)) return { fields: value, file, parent, name, index }
  throw wrong(file, parent ? `${pathTo(parent, name)}[${index}]` : '', value, 'an object')
}

/** What each object of a list is parsed to. */
function list<T>(at: Place, name: string, parse: (item: Place) => T): readonly T[] {
  const values = at.fields[name]
  if (!Array.isArray(values)) throw wrong(at.file, pathTo(at, name), values, 'a list')
  return values.map((value: unknown, i) => parse(record(value, at.file, name, i, at)))
}

function optionalList<T>(at: Place, name: string, parse: (item: Place) => T): readonly T[] {
  return at.fields[name] === undefined ? [] : list(at, name, parse)
}

function field<T>(at: Place, name: string, is: (value: unknown) => value is T, expected: string): T {
  const value = at.fields[name]
  if (is(value)) return value
  throw wrong(at.file, pathTo(at, name), value, expected)
}

/** `annotations[3].segments_info[2].id` */
function pathTo({ parent, name, index }: Place, last: string): string {
  return parent ? `${pathTo(parent, name)}[${index}].${last}` : last
}

function wrong(file: string, path: string, value: unknown, expected: string): TuneError {
  return new TuneError('data/invalid', `${file}: ${path || 'the file'} is ${found(value)}; expected ${expected}`, {
    hint: ONE_SHAPE,
  })
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isSize(value: unknown): value is number {
  return isWhole(value) && value >= 1
}

function isId(value: unknown): value is number | string {
  return isWhole(value) || isString(value)
}

/** Python writes a flag as 0 and 1 or as false and true. */
function isFlag(value: unknown): value is 0 | 1 | boolean {
  return value === 0 || value === 1 || typeof value === 'boolean'
}

function isFileName(value: unknown): value is string {
  return isString(value) && value !== '' && !/^([\\/]|[a-z]:)|(^|[\\/])\.\.([\\/]|$)/i.test(value)
}

function isOptionalFlag(value: unknown): value is 0 | 1 | boolean | undefined {
  return value === undefined || isFlag(value)
}

function isOptionalArea(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && value >= 0)
}

function isOptionalString(value: unknown): value is string | undefined {
  return value === undefined || isString(value)
}
