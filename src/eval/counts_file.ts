import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { Category } from '../data/image_set.ts'
import { messageOf, TuneError } from '../errors.ts'
import { writeAtomically } from '../results.ts'
import { emptyStatistics, imageCount, type ImageStatistics } from './image_statistics.ts'

/** What a result leaves behind to be compared with any other, image by image, without scoring again. */
export interface StoredCounts {
  /** The id of the image set that was scored: equal ids mean equal images and labels. */
  readonly set: string
  readonly categories: readonly Category[]
  readonly imageIds: readonly (number | string)[]
  /** In the order of `imageIds`. */
  readonly statistics: ImageStatistics
}

/*
 * Little-endian: 'PQST', u32 version, u32 CRC of all that follows, u32 length of the JSON, the JSON, then by entry iou f64,
 * then u32 starts by image, then by entry u16 class and tp, fp, fn of `width` bytes each. 5000 images of 11 classes
 * take 0.8 MB.
 */
const MAGIC = 'PQST'
const VERSION = 1
const CRC_AT = 8
const CHECKED_FROM = 12
const JSON_AT = 16

interface Head extends Pick<StoredCounts, 'set' | 'categories' | 'imageIds'> {
  readonly entries: number
  readonly width: 1 | 2 | 4
}

/** Keeps counts. Written by rename: a reader sees all of it or what was there before. */
export function saveCounts(file: string, { set, categories, imageIds, statistics }: StoredCounts): void {
  const { starts, classOf, iou, tp, fp, fn } = statistics
  const most = [tp, fp, fn].reduce((all, counts) => counts.reduce((a, b) => Math.max(a, b), all), 0)
  const width = most < 2 ** 8 ? 1 : most < 2 ** 16 ? 2 : 4
  const head: Head = { set, categories, imageIds, entries: classOf.length, width }
  const json = Buffer.from(JSON.stringify(head))
  const start = Buffer.alloc(JSON_AT)
  start.write(MAGIC, 'latin1')
  start.writeUInt32LE(VERSION, 4)
  start.writeUInt32LE(json.length, 12)
  const counts = [tp, fp, fn].map((values) => bytesOf(ARRAY_OF[width].from(values)))
  const content = Buffer.concat([start, json, bytesOf(iou), bytesOf(starts), bytesOf(classOf), ...counts])
  content.writeUInt32LE(crc32(content.subarray(CHECKED_FROM)), CRC_AT)
  writeAtomically(file, content)
}

/** What `saveCounts` kept. Throws `data/missing` where it kept nothing, `data/invalid` where that is no longer whole. */
export function loadCounts(file: string): StoredCounts {
  const content = read(file)
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
  if (content.length < JSON_AT || content.toString('latin1', 0, 4) !== MAGIC)
    throw damaged(file, 'not a file of counts')
  const version = view.getUint32(4, true)
  if (version !== VERSION) throw damaged(file, `counts of version ${version}; this panoptune reads ${VERSION}`)
  if (view.getUint32(CRC_AT, true) !== crc32(content.subarray(CHECKED_FROM))) {
    throw damaged(file, 'its checksum is wrong: it was cut short or altered')
  }
  const jsonEnd = JSON_AT + view.getUint32(12, true)
  const head = parseHead(content.toString('utf8', JSON_AT, jsonEnd))
  if (!head || content.length !== jsonEnd + bodyBytes(head)) throw damaged(file, 'its head does not fit what follows')
  const { set, categories, imageIds, entries, width } = head
  const statistics = emptyStatistics(imageIds.length, entries, categories.length)
  let at = jsonEnd
  const fill = (array: Uint8Array | Uint16Array | Uint32Array | Float64Array) => {
    at += content.copy(bytesOf(array), 0, at)
    return array
  }
  fill(statistics.iou)
  fill(statistics.starts)
  fill(statistics.classOf)
  for (const values of [statistics.tp, statistics.fp, statistics.fn]) values.set(fill(new ARRAY_OF[width](entries)))
  const { starts, classOf } = statistics
  const areAscending = starts.every((start, i) => start >= (starts[i - 1] ?? 0)) && starts.at(-1) === entries
  if (!areAscending || classOf.some((index) => index >= categories.length)) throw damaged(file, 'its entries are of no image or class') // prettier-ignore
  return { set, categories, imageIds, statistics }
}

/** A checksum says that a file is whole, not who wrote it: a trial's program can write to its directory, too. */
function parseHead(json: string): Head | undefined {
  try {
    const head = JSON.parse(json) as Head
    const areLists = Array.isArray(head.categories) && Array.isArray(head.imageIds)
    return areLists && Number.isSafeInteger(head.entries) && head.width in ARRAY_OF ? head : undefined
  } catch {
    return undefined
  }
}

/** By entry an IoU, a class and three counts; by image, and once more, a start. */
function bodyBytes({ imageIds, entries, width }: Head): number {
  return entries * (8 + 2 + 3 * width) + 4 * (imageIds.length + 1)
}

/** Throws unless both are counts of the same images and classes: only those can be paired. */
export function checkPaired(a: StoredCounts, b: StoredCounts, names: readonly [string, string]): void {
  const what = unlike(a, b)
  if (what === undefined) return
  throw new TuneError('data/invalid', `${names[0]} and ${names[1]} cannot be compared image by image: ${what}`, {
    hint: 'compare results on the same images with the same classes',
  })
}

function unlike(a: StoredCounts, b: StoredCounts): string | undefined {
  const [many, few] = [imageCount(a.statistics), imageCount(b.statistics)]
  if (many !== few) return `${many} images against ${few}`
  const image = a.imageIds.findIndex((id, i) => id !== b.imageIds[i])
  if (image >= 0) return `image ${image + 1} is ${a.imageIds[image]} in one and ${b.imageIds[image]} in the other`
  const [classes, others] = [a, b].map(({ categories }) => categories.map(({ id }) => id).join(', '))
  if (classes !== others) return `their category ids are ${classes} and ${others}`
  if (a.set !== b.set) return `the images or labels of that set changed in between`
  return undefined
}

const ARRAY_OF = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array } as const

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new TuneError('data/missing', `${file}: no counts are kept there (${messageOf(cause)})`, { cause })
  }
}

function damaged(file: string, what: string): TuneError {
  return new TuneError('data/invalid', `${file}: ${what}`, { hint: 'delete it and score again' })
}
