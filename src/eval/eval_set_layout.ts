import { crc32 } from 'node:zlib'
import type { Category, Segment } from '../data/image_set.ts'
import { aligned, allocateShared } from '../data/shared_file.ts'
import type { EvalImage, EvalSet } from './eval_set.ts'
import { getSegments, putSegments, SEGMENT_BYTES, segmentColumns } from './eval_set_segments.ts'
import type { RunMap } from './run_map.ts'

/** What an eval set is laid out from. */
export interface EvalSource {
  /** sha256 in hex of all that the images were made from. */
  readonly id: string
  readonly categories: readonly Category[]
  readonly images: readonly TruthImage[]
}

/** An image of a ground truth as it was read. */
export interface TruthImage extends Pick<EvalImage, 'imageId' | 'file' | 'runs'> {
  readonly segments: readonly Segment[]
}

/*
 * In memory and in a file alike, little-endian as every platform that Node runs on here:
 *
 *   0    'PQC1', u16 version, u16 flags (0), u64 length, sha256 of the sources (32 bytes)
 *   48   u32 number of sections, u32 crc32 of the bytes before 48 and of the section table
 *   56   section table, 24 bytes each: u32 type, u32 crc32, u64 offset, u64 length
 *   256  the sections, each at a multiple of 64
 *
 * 1 meta      JSON: categories
 * 2 images    8 x u32: width, height, first segment, segments, first word of runs (low, high), runs, 1 if wide
 * 3 segments  columns: f64 id, f64 area of the JSON, u32 area in pixels, i32 category, u32 flags, 4 x u32 box
 * 4 runs      packed: a word each; wide: a word each for the ends, then half a word each for the labels
 * 5 strings   JSON: [image id, file name] of each image
 */
const MAGIC = 'PQC1'
export const EVAL_SET_VERSION = 1
const KEY_AT = 16
const COUNT_AT = 48
const CRC_AT = 52
const TABLE_AT = 56
const SECTION_BYTES = 24
const SECTIONS_AT = 256
const META = 1
const IMAGES = 2
const SEGMENTS = 3
const RUNS = 4
const STRINGS = 5
const IMAGE_WORDS = 8

/** Lays out a set in one piece of shared memory, which is also what its file holds. */
export function layOut({ id, categories, images }: EvalSource): SharedArrayBuffer {
  const meta = Buffer.from(JSON.stringify({ categories }))
  const strings = Buffer.from(JSON.stringify(images.map(({ imageId, file }) => [imageId, file])))
  const segments = images.reduce((sum, image) => sum + image.segments.length, 0)
  const words = images.reduce((sum, { runs }) => sum + wordsOf(runs), 0)
  const lengths = [meta.length, 4 * IMAGE_WORDS * images.length, SEGMENT_BYTES * segments, 4 * words, strings.length]
  const offsets: number[] = []
  let end = SECTIONS_AT
  for (const length of lengths) {
    offsets.push(aligned(end))
    end = aligned(end) + length
  }
  const memory = allocateShared(end)
  new Uint8Array(memory).set(meta, offsets[META - 1])
  new Uint8Array(memory).set(strings, offsets[STRINGS - 1])
  const table = new Uint32Array(memory, offsets[IMAGES - 1], IMAGE_WORDS * images.length)
  const columns = segmentColumns(memory, offsets[SEGMENTS - 1]!, segments)
  let [firstSegment, firstWord] = [0, 0]
  for (const [i, { segments: listed, runs }] of images.entries()) {
    const [low, high] = [firstWord >>> 0, Math.floor(firstWord / 2 ** 32)]
    table.set([runs.width, runs.height, firstSegment, listed.length, low, high, countOf(runs), runs.kind === 'wide' ? 1 : 0], IMAGE_WORDS * i) // prettier-ignore
    putSegments(columns, firstSegment, listed, runs)
    putRuns(memory, offsets[RUNS - 1]! + 4 * firstWord, runs)
    firstSegment += listed.length
    firstWord += wordsOf(runs)
  }
  const sections = lengths.map((length, i) => ({ type: i + 1, offset: offsets[i]!, length }))
  seal(memory, id, sections)
  return memory
}

/** The set that lies in some memory: what passed `isSealed`, or comes straight from `layOut`. */
export function viewEvalSet(memory: SharedArrayBuffer): EvalSet {
  const header = Buffer.from(memory, 0, SECTIONS_AT)
  const place = (type: number) => sectionOf(header, type)
  const [images, segments, runs] = [place(IMAGES), place(SEGMENTS), place(RUNS)]
  const { categories }: { categories: readonly Category[] } = JSON.parse(textOf(memory, place(META)))
  const names: readonly (readonly [number | string, string])[] = JSON.parse(textOf(memory, place(STRINGS)))
  const table = new Uint32Array(memory, images.offset, images.length / 4)
  const columns = segmentColumns(memory, segments.offset, segments.length / SEGMENT_BYTES)
  const views = names.map(([imageId, file], i): EvalImage => {
    const [width, height, first, count, low, high, runCount, isWide] = wordsAt(table, IMAGE_WORDS * i)
    const at = runs.offset + 4 * (low + high * 2 ** 32)
    const size = { width, height, levels: count + 2 }
    const map: RunMap = isWide
      ? { kind: 'wide', ...size, ends: new Uint32Array(memory, at, runCount), labels: new Uint16Array(memory, at + 4 * runCount, runCount) } // prettier-ignore
      : { kind: 'packed', ...size, runs: new Uint32Array(memory, at, runCount) }
    return { imageId, file, width, height, segments: getSegments(columns, first, count), runs: map }
  })
  return { id: header.toString('hex', KEY_AT, KEY_AT + 32), categories, images: views, memory }
}

/** The key of a whole and undamaged file, or undefined: cut short, altered, or of another version. */
export function sealedKey(memory: SharedArrayBuffer): string | undefined {
  if (memory.byteLength < SECTIONS_AT) return undefined
  const header = Buffer.from(memory, 0, SECTIONS_AT)
  if (header.toString('latin1', 0, 4) !== MAGIC || header.readUInt16LE(4) !== EVAL_SET_VERSION) return undefined
  if (header.readBigUInt64LE(8) !== BigInt(memory.byteLength)) return undefined
  if (header.readUInt32LE(COUNT_AT) !== STRINGS || header.readUInt32LE(CRC_AT) !== headerCrc(header)) return undefined
  for (let type = META; type <= STRINGS; type++) {
    const { offset, length, crc } = sectionOf(header, type)
    if (crc32(new Uint8Array(memory, offset, length)) !== crc) return undefined
  }
  return header.toString('hex', KEY_AT, KEY_AT + 32)
}

/** Eight words: what the table says about an image. */
function wordsAt(table: Uint32Array, at: number) {
  const word = (i: number) => table[at + i]!
  return [word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)] as const
}

interface Place {
  readonly offset: number
  readonly length: number
}

function seal(memory: SharedArrayBuffer, id: string, sections: readonly (Place & { readonly type: number })[]): void {
  const header = Buffer.from(memory, 0, SECTIONS_AT)
  header.write(MAGIC, 0, 'latin1')
  header.writeUInt16LE(EVAL_SET_VERSION, 4)
  header.writeBigUInt64LE(BigInt(memory.byteLength), 8)
  header.write(id, KEY_AT, 'hex')
  header.writeUInt32LE(sections.length, COUNT_AT)
  for (const { type, offset, length } of sections) {
    const at = TABLE_AT + SECTION_BYTES * (type - 1)
    header.writeUInt32LE(type, at)
    header.writeUInt32LE(crc32(new Uint8Array(memory, offset, length)), at + 4)
    header.writeBigUInt64LE(BigInt(offset), at + 8)
    header.writeBigUInt64LE(BigInt(length), at + 16)
  }
  header.writeUInt32LE(headerCrc(header), CRC_AT)
}

/** Of all of the header but the checksum itself. */
function headerCrc(header: Buffer): number {
  return crc32(header.subarray(TABLE_AT, SECTIONS_AT), crc32(header.subarray(0, CRC_AT)))
}

function sectionOf(header: Buffer, type: number): Place & { readonly crc: number } {
  const at = TABLE_AT + SECTION_BYTES * (type - 1)
  const [offset, length] = [Number(header.readBigUInt64LE(at + 8)), Number(header.readBigUInt64LE(at + 16))]
  return { offset, length, crc: header.readUInt32LE(at + 4) }
}

function textOf(memory: SharedArrayBuffer, { offset, length }: Place): string {
  return Buffer.from(memory, offset, length).toString()
}

function putRuns(memory: SharedArrayBuffer, at: number, map: RunMap): void {
  if (map.kind === 'packed') new Uint32Array(memory, at, map.runs.length).set(map.runs)
  else {
    new Uint32Array(memory, at, map.ends.length).set(map.ends)
    new Uint16Array(memory, at + 4 * map.ends.length, map.labels.length).set(map.labels)
  }
}

function countOf(map: RunMap): number {
  return map.kind === 'packed' ? map.runs.length : map.ends.length
}

function wordsOf(map: RunMap): number {
  return map.kind === 'packed' ? map.runs.length : map.ends.length + Math.ceil(map.labels.length / 2)
}
