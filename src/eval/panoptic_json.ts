import { readFileSync } from 'node:fs'
import type { Category, Segment } from '../data/image_set.ts'
import { messageOf, TuneError } from '../errors.ts'
import { parsePythonJson } from '../json.ts'
import { UNDEFINED_CATEGORY } from './segments.ts'

/** An image's entry in a COCO panoptic JSON: its label PNG, and the segments in it. */
export interface Annotation<S> {
  readonly imageId: number | string
  readonly fileName: string
  /** Of two with the same id the last counts, at the place of the first: a Python dict does that. */
  readonly segments: readonly S[]
}

/** A predicted segment, its category not yet looked up. */
export interface ListedSegment {
  readonly id: number
  readonly categoryId: number
}

/** The ground truth's JSON: its categories, and all images in their order. */
export function readTruth(file: string): {
  readonly categories: readonly Category[]
  readonly annotations: readonly Annotation<Segment>[]
} {
  const root = readJson(file)
  const categories = lastById(listOf(root, 'categories').map(parseCategory))
  const indexOf = new Map(categories.map(({ id }, index) => [id, index]))
  const parseSegment = (entry: Entry): Segment => ({
    id: numberOf(entry, 'id'),
    category: indexOf.get(numberOf(entry, 'category_id')) ?? UNDEFINED_CATEGORY,
    isCrowd: flagOf(entry, 'iscrowd'),
    area: numberOf(entry, 'area'),
  })
  return { categories, annotations: listOf(root, 'annotations').map((entry) => parseAnnotation(entry, parseSegment)) }
}

/** The predictions by image id; of two for one image the last counts. Neither area nor crowd is looked at. */
export function readPredictions(file: string): ReadonlyMap<number | string, Annotation<ListedSegment>> {
  const annotations = listOf(readJson(file), 'annotations').map((entry) => parseAnnotation(entry, parseListed))
  return new Map(annotations.map((annotation) => [annotation.imageId, annotation]))
}

/** A JSON object and where it stands, for messages: `gt.json: annotations[3].segments_info[0]`. */
interface Entry {
  readonly where: string
  readonly fields: Readonly<Record<string, unknown>>
}

function readJson(file: string): Entry {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const hint = 'check the path; a COCO panoptic JSON is expected there'
    throw new TuneError('data/missing', `${file}: cannot be read (${messageOf(cause)})`, { hint, cause })
  }
  try {
    return { where: file, fields: fieldsOf(parsePythonJson(text), file) }
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new TuneError('data/invalid', `${file}: not JSON (${messageOf(cause)})`, { hint: HINT, cause })
  }
}

function parseCategory(entry: Entry): Category {
  const id = numberOf(entry, 'id')
  const { name } = entry.fields
  return { id, name: typeof name === 'string' ? name : String(id), isThing: flagOf(entry, 'isthing') }
}

function parseListed(entry: Entry): ListedSegment {
  return { id: numberOf(entry, 'id'), categoryId: numberOf(entry, 'category_id') }
}

function parseAnnotation<S extends { readonly id: number }>(entry: Entry, parse: (entry: Entry) => S): Annotation<S> {
  const { image_id: imageId, file_name: fileName } = entry.fields
  if (typeof imageId !== 'number' && typeof imageId !== 'string') throw wrong(entry, 'image_id', 'a number or a text')
  if (typeof fileName !== 'string') throw wrong(entry, 'file_name', 'a text')
  return { imageId, fileName, segments: lastById(listOf(entry, 'segments_info').map(parse)) }
}

function lastById<T extends { readonly id: number }>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [item.id, item])).values()]
}

function listOf(entry: Entry, key: string): readonly Entry[] {
  const list = entry.fields[key]
  if (!Array.isArray(list)) throw wrong(entry, key, 'a list')
  const prefix = `${entry.where}${entry.where.endsWith(']') ? '.' : ': '}${key}`
  return list.map((item: unknown, index) => ({
    where: `${prefix}[${index}]`,
    fields: fieldsOf(item, `${prefix}[${index}]`),
  }))
}

function fieldsOf(value: unknown, where: string): Entry['fields'] {
  if (isRecord(value)) return value
  throw new TuneError('data/invalid', `${where}: found ${brief(value)}, expected an object`, { hint: HINT })
}

function isRecord(value: unknown): value is Entry['fields'] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function numberOf(entry: Entry, key: string): number {
  const value = entry.fields[key]
  if (typeof value !== 'number') throw wrong(entry, key, 'a number')
  return value
}

/** True for 1 and true alone, as in Python's `== 1`. */
function flagOf(entry: Entry, key: string): boolean {
  const value = entry.fields[key]
  if (typeof value !== 'number' && typeof value !== 'boolean') throw wrong(entry, key, '0 or 1')
  return value === 1 || value === true
}

function wrong(entry: Entry, key: string, expected: string): TuneError {
  const found = key in entry.fields ? `'${key}' is ${brief(entry.fields[key])}` : `'${key}' is missing`
  return new TuneError('data/invalid', `${entry.where}: ${found}, expected ${expected}`, { hint: HINT })
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 40 ? `${text.slice(0, 37)}...` : text
}

const HINT =
  'COCO panoptic format: {annotations: [{image_id, file_name, segments_info: [{id, category_id, iscrowd, area}]}], categories: [{id, name, isthing}]}'
