import { crc32 } from 'node:zlib'
import type { Category, Segment } from '../data/image_set.ts'
import { aligned, allocateShared, type FilePart } from '../data/shared_file.ts'
import type { EvalImage, EvalSet } from './eval_set.ts'
import { headerOf, keyIn, sectionOf, SECTIONS_AT, type Section } from './eval_set_header.ts'
import {
  getSegments,
  segmentColumns,
  segmentRows,
  segmentTable,
  SEGMENT_BYTES,
  type SegmentRow,
} from './eval_set_segments.ts'
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
 * In memory and in a file alike: the header (eval_set_header.ts), then sections, each at a multiple of 64. Little-endian,
 * as every platform that Node runs on here. The runs come first, for the others are known only after them.
 *
 * 1 meta      JSON: categories
 * 2 images    8 x u32: width, height, first segment, segments, first word of runs (low, high), runs, 1 if wide
 * 3 segments  columns: f64 id, f64 area of the JSON, u32 area in pixels, i32 category, u32 flags, 4 x u32 box
 * 4 runs      packed: a word each; wide: a word each for the ends, then half a word each for the labels
 * 5 strings   JSON: [image id, file name] of each image
 */
const META = 1
const IMAGES = 2
const SEGMENTS = 3
const RUNS = 4
const STRINGS = 5
const IMAGE_WORDS = 8

/** Lays out a set in one piece of shared memory, which is also what its file holds. */
export function layOut(source: EvalSource): SharedArrayBuffer {
  const layout = startLayout(source)
  const parts = [...source.images.map((image) => layout.add(image)), ...layout.end()]
  const memory = allocateShared(Math.max(...parts.map(({ at, bytes }) => at + bytes.length)))
  for (const { at, bytes } of parts) new Uint8Array(memory).set(bytes, at)
  return memory
}

/** Lays out a set image by image: the parts of its file, of which only the tables are held until the end. */
export interface Layout {
  add(image: TruthImage): FilePart
  end(): readonly FilePart[]
}

export function startLayout({ id, categories }: Omit<EvalSource, 'images'>): Layout {
  const names: (readonly [number | string, string])[] = []
  const table: number[] = []
  const segments: SegmentRow[] = []
  let [word, runsCrc] = [0, 0]
  return {
    add({ imageId, file, segments: listed, runs }) {
      const bytes = bytesOf(runs)
      const at = SECTIONS_AT + 4 * word
      names.push([imageId, file])
      table.push(runs.width, runs.height, segments.length, listed.length, word >>> 0, Math.floor(word / 2 ** 32), countOf(runs), runs.kind === 'wide' ? 1 : 0) // prettier-ignore
      for (const row of segmentRows(listed, runs)) segments.push(row)
      runsCrc = crc32(bytes, runsCrc)
      word += bytes.length / 4
      return { at, bytes }
    },
    end() {
      const runs = { type: RUNS, crc: runsCrc, at: SECTIONS_AT, length: 4 * word }
      let end = SECTIONS_AT + 4 * word
      const contents = [
        { type: META, bytes: Buffer.from(JSON.stringify({ categories })) },
        { type: IMAGES, bytes: new Uint8Array(Uint32Array.from(table).buffer) },
        { type: SEGMENTS, bytes: segmentTable(segments) },
        { type: STRINGS, bytes: Buffer.from(JSON.stringify(names)) },
      ]
      const sections = contents.map(({ type, bytes }) => {
        const at = aligned(end)
        end = at + bytes.length
        return { type, crc: crc32(bytes), at, length: bytes.length, bytes }
      })
      return [{ at: 0, bytes: headerOf(id, end, [runs, ...sections]) }, ...sections]
    },
  }
}

/** A set that is looked at image by image. */
export interface EvalSetView extends Pick<EvalSet, 'id' | 'categories'> {
  readonly count: number
  image(index: number): EvalImage
}

/** The set that lies in some memory, all of it: what passed `sealedKey`, or comes straight from `layOut`. */
export function viewEvalSet(memory: SharedArrayBuffer): EvalSet {
  const { id, categories, count, image } = viewImages(memory)
  return { id, categories, images: Array.from({ length: count }, (_, i) => image(i)), memory }
}

/** The same, each image only when it is asked for: threads that share the memory need not hold all segments. */
export function viewImages(memory: SharedArrayBuffer): EvalSetView {
  const place = (type: number) => sectionOf(memory, type)
  const [images, segments, runs] = [place(IMAGES), place(SEGMENTS), place(RUNS)]
  const { categories }: { categories: readonly Category[] } = JSON.parse(textOf(memory, place(META)))
  const names: readonly (readonly [number | string, string])[] = JSON.parse(textOf(memory, place(STRINGS)))
  const table = new Uint32Array(memory, images.at, images.length / 4)
  const columns = segmentColumns(memory, segments.at, segments.length / SEGMENT_BYTES)
  const image = (index: number): EvalImage => {
    const [imageId, file] = names[index]!
    const [width, height, first, count, low, high, runCount, isWide] = wordsAt(table, IMAGE_WORDS * index)
    const at = runs.at + 4 * (low + high * 2 ** 32)
    const size = { width, height, levels: count + 2 }
    const map: RunMap = isWide
      ? { kind: 'wide', ...size, ends: new Uint32Array(memory, at, runCount), labels: new Uint16Array(memory, at + 4 * runCount, runCount) } // prettier-ignore
      : { kind: 'packed', ...size, runs: new Uint32Array(memory, at, runCount) }
    return { imageId, file, width, height, segments: getSegments(columns, first, count), runs: map }
  }
  return { id: keyIn(memory), categories, count: names.length, image }
}

/** Eight words: what the table says about an image. */
function wordsAt(table: Uint32Array, at: number) {
  const word = (i: number) => table[at + i]!
  return [word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7)] as const
}

function textOf(memory: SharedArrayBuffer, { at, length }: Section): string {
  return Buffer.from(memory, at, length).toString()
}

/** The runs of a map as they are kept. */
function bytesOf(map: RunMap): Uint8Array {
  const isWide = map.kind === 'wide'
  const count = countOf(map)
  const words = new Uint32Array(isWide ? count + Math.ceil(count / 2) : count)
  words.set(isWide ? map.ends : map.runs)
  if (isWide) new Uint16Array(words.buffer, 4 * count, count).set(map.labels)
  return new Uint8Array(words.buffer)
}

function countOf(map: RunMap): number {
  return map.kind === 'packed' ? map.runs.length : map.ends.length
}
