import { existsSync } from 'node:fs'
import { readBytes, textOf } from '../data/source_file.ts'
import { messageOf, TuneError } from '../errors.ts'
import { found, parsePythonJson } from '../json.ts'

/** A list of objects somewhere in a JSON file; where it stands is only spelled out for a message. */
export interface JsonList {
  readonly file: string
  /** Empty where the file is the list. */
  readonly path: string
  readonly items: readonly Readonly<Record<string, unknown>>[]
}

/** A kind of value: how to know one, and what a message says was expected. */
export interface Kind<T> {
  readonly is: (value: unknown) => value is T
  readonly name: string
}

export const WHOLE: Kind<number> = { is: isWhole, name: 'a whole number' }
export const FINITE: Kind<number> = { is: isFinite, name: 'a finite number' }
export const AREA: Kind<number> = {
  is: (value): value is number => isFinite(value) && value >= 0,
  name: 'a number of pixels from 0',
}
export const SIDE: Kind<number> = {
  is: (value): value is number => isWhole(value) && value >= 1,
  name: 'a whole number from 1',
}
export const ID: Kind<number | string> = {
  is: (value) => typeof value === 'string' || isWhole(value),
  name: 'a whole number or a string',
}
/** Python writes a flag as 0 and 1 or as false and true. */
export const FLAG: Kind<0 | 1 | boolean> = {
  is: (value) => value === 0 || value === 1 || typeof value === 'boolean',
  name: '0 or 1',
}
export const BOX: Kind<readonly [number, number, number, number]> = {
  is: (value): value is [number, number, number, number] =>
    Array.isArray(value) && value.length === 4 && value.every(isFinite),
  name: 'four finite numbers: x, y, width, height',
}

/** The parsed text of a file. NaN and Infinity, which Python writes, are null: no field takes them. */
export function readJson(file: string, what: string): unknown {
  if (!existsSync(file)) {
    throw new TuneError('data/missing', `${file}: no such file`, { hint: `check the path: ${what} is expected there` })
  }
  const bytes = readBytes(file, what)
  const text = textOf(bytes, file, 'leave out detections of low scores: 100 an image count')
  try {
    return parsePythonJson(text)
  } catch (error) {
    const hint = `the file should be ${what}`
    throw new TuneError('data/invalid', `${file}: not JSON: ${messageOf(error)}`, { hint, cause: error })
  }
}

/** A list of objects. Throws `data/invalid` for anything else. */
export function listOf(file: string, path: string, value: unknown): JsonList {
  if (!Array.isArray(value)) throw wrong(file, path || 'the file', value, 'a list')
  const items: unknown[] = value
  const stray = items.findIndex((item) => !isRecord(item))
  if (stray >= 0) throw wrong(file, `${path}[${stray}]`, items[stray], 'an object')
  return { file, path, items: items as Readonly<Record<string, unknown>>[] }
}

/** A field of the item at an index. */
export function fieldOf<T>(list: JsonList, index: number, name: string, { is, name: expected }: Kind<T>): T {
  const value = list.items[index]?.[name]
  if (is(value)) return value
  throw wrong(list.file, `${placeOf(list, index)}.${name}`, value, expected)
}

/** Where an item stands, with its id if it has one: `annotations[3] (id 17)`. */
export function placeOf({ path, items }: JsonList, index: number): string {
  const id = items[index]?.['id']
  return `${path}[${index}]${ID.is(id) ? ` (id ${id})` : ''}`
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function wrong(file: string, place: string, value: unknown, expected: string): TuneError {
  return new TuneError('data/invalid', `${file}: ${place} is ${found(value)}; expected ${expected}`, { hint: SHAPES })
}

const SHAPES =
  'ground truth is COCO instances (images, annotations, categories); results are a list of image_id, category_id, score and bbox or segmentation'

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value)
}
