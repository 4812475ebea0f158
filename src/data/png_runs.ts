import { TuneError } from '../errors.ts'
import { readPng, type FilteredPng } from './png_file.ts'
import { paeth } from './png_filter.ts'

/** Segment ids of an image as runs, row by row across its rows: run i ends before pixel `ends[i]`, and the next differs. */
export interface IdRuns {
  readonly width: number
  readonly height: number
  readonly ends: Uint32Array
  readonly ids: Uint32Array
}

/** More pixels than any label PNG has, and few enough for positions of 32 bits. */
const MOST_PIXELS = 2 ** 31

/**
 * The ids of a label PNG as runs, without making its pixels: a pixel whose filtered bytes are 0 continues what its
 * neighbours are, so that only the others, and the places where the row above changes, need a look. As `decodeIds`, it
 * reads 8-bit RGB or RGBA (alpha is ignored), not interlaced, and throws `data/invalid` for anything else.
 */
export function decodeIdRuns(bytes: Uint8Array, file: string): IdRuns {
  const png = readPng(bytes, file)
  const { width, height, channels, raw } = png
  if (width * (height + 1) > MOST_PIXELS) {
    throw new TuneError('data/invalid', `${file}: ${width}x${height} pixels; at most 2^31 can be read`, {
      hint: 'cut the image into tiles',
    })
  }
  // Whole words of zeros are skipped; they lie at multiples of 4.
  const aligned = raw.byteOffset % 4 === 0 ? raw : raw.slice()
  const row: Row = { raw: aligned, words: wordsOf(aligned), channels, width, changed: new Int32Array(width + 1) }
  scratch.starts[0] = scratch.ids[0] = 0 // what is above the first row: zeros, at positions 0 to width
  let [above, count] = [0, 1]
  for (let y = 0; y < height; y++) {
    reserve(count + width + 1)
    const end = readRow(row, y, above, count)
    above = count
    count = end
  }
  return merged(png, count)
}

/** What the rows of a PNG share. */
interface Row {
  readonly raw: Uint8Array
  readonly words: Uint32Array
  readonly channels: 3 | 4
  readonly width: number
  /** Scratch: the pixels of a row that are not all zero, ascending, then the width. */
  readonly changed: Int32Array
}

/** Runs of all rows so far, each row starting one; positions count from one row above the image. Reused between images. */
const scratch = { starts: new Uint32Array(1 << 14), ids: new Uint32Array(1 << 14) }

function reserve(runs: number): void {
  if (runs <= scratch.starts.length) return
  const grow = (from: Uint32Array) => {
    const to = new Uint32Array(2 * runs)
    to.set(from)
    return to
  }
  scratch.starts = grow(scratch.starts)
  scratch.ids = grow(scratch.ids)
}

/** Appends the runs of row y at `count`; those of the row above start at `above`. Gives where they end. */
function readRow(row: Row, y: number, above: number, count: number): number {
  const { raw, channels, width, changed } = row
  const { starts, ids } = scratch
  const at = y * (width * channels + 1)
  const filter = raw[at]!
  findChanged(row, at + 1)
  const start = (y + 1) * width
  starts[count] = start // where the row above ends, before this one has a run
  let [next, run, left, to] = [0, above, 0, count]
  for (let x = 0; x < width;) {
    while (starts[run + 1]! <= start - width + x) run++
    const up = ids[run]!
    let id = left
    if (filter === 2) id = up
    else if (filter === 4) {
      // Within a run of the row above, up-left equals up, and the nearest to their sum is what is to the left.
      if (x === 0) id = up
      else if (starts[run] === start - width + x) id = nearest(left, up, ids[run - 1]!)
    } else if (filter === 3) id = average(left, up)
    else if (filter === 0) id = 0
    if (changed[next] === x) {
      id = plus(id, raw, at + 1 + x * channels)
      next++
    }
    if (id !== left || x === 0) {
      starts[to] = start + x
      ids[to++] = id
    }
    left = id
    // Until when does this id go on by itself?
    const bound = filter < 2 ? width : starts[run + 1]! - start + width
    const isSteady = filter === 1 || filter === 4 || id === (filter === 0 ? 0 : up)
    x = isSteady ? Math.min(bound, changed[next]!) : x + 1
  }
  return to
}

/** Lists the pixels of a row, whose bytes start at `from`, that have a byte which is not zero. */
function findChanged({ raw, words, channels, width, changed }: Row, from: number): void {
  const to = from + width * channels
  const firstWord = Math.min(to, (from + 3) & ~3) >> 2
  const lastWord = Math.max(firstWord, to >> 2)
  let [count, last] = [0, -1]
  for (let i = from; i < Math.min(to, 4 * firstWord); i++) {
    if (raw[i] !== 0) changed[count++] = last = 0 // at most three bytes: of the first pixel
    if (last === 0) break
  }
  for (let word = firstWord; word < lastWord; word++) {
    while (word + 3 < lastWord && (words[word]! | words[word + 1]! | words[word + 2]! | words[word + 3]!) === 0)
      word += 4
    if (word >= lastWord) break
    const bytes = words[word]!
    if (bytes === 0) continue
    // A word has bytes of two pixels, or with four channels of one.
    const offset = 4 * word - from
    const x = channels === 3 ? Math.trunc(offset / 3) : offset >> 2
    const bits = 8 * (channels * (x + 1) - offset)
    if (x !== last && bytes << (32 - bits) !== 0) changed[count++] = last = x
    if (bits < 32 && bytes >>> bits !== 0) changed[count++] = last = x + 1
  }
  for (let i = Math.max(from, 4 * lastWord); i < to; i++) {
    const x = Math.trunc((i - from) / channels)
    if (raw[i] !== 0 && x !== last) changed[count++] = last = x
  }
  changed[count] = width
}

function wordsOf(raw: Uint8Array): Uint32Array {
  return new Uint32Array(raw.buffer, raw.byteOffset, raw.length >> 2)
}

/** Each of the three bytes by itself. */
function plus(id: number, raw: Uint8Array, at: number): number {
  const red = (id + raw[at]!) & 0xff
  const green = ((id >> 8) + raw[at + 1]!) & 0xff
  const blue = ((id >> 16) + raw[at + 2]!) & 0xff
  return red | (green << 8) | (blue << 16)
}

function average(a: number, b: number): number {
  const red = ((a & 0xff) + (b & 0xff)) >> 1
  const green = (((a >> 8) & 0xff) + ((b >> 8) & 0xff)) >> 1
  const blue = ((a >> 16) + (b >> 16)) >> 1
  return red | (green << 8) | (blue << 16)
}

function nearest(left: number, up: number, upLeft: number): number {
  if (left === upLeft) return up
  const red = paeth(left & 0xff, up & 0xff, upLeft & 0xff)
  const green = paeth((left >> 8) & 0xff, (up >> 8) & 0xff, (upLeft >> 8) & 0xff)
  return red | (green << 8) | (paeth(left >> 16, up >> 16, upLeft >> 16) << 16)
}

/** The runs without the breaks between rows, and without the row above the image. */
function merged({ width, height }: FilteredPng, count: number): IdRuns {
  const { starts, ids } = scratch
  let runs = 1
  for (let i = 2; i < count; i++) if (ids[i] !== ids[i - 1]) runs++
  const image = { width, height, ends: new Uint32Array(runs), ids: new Uint32Array(runs) }
  let to = 0
  for (let i = 2; i < count; i++) {
    if (ids[i] === ids[i - 1]) continue
    image.ids[to] = ids[i - 1]!
    image.ends[to++] = starts[i]! - width
  }
  image.ids[to] = ids[count - 1]!
  image.ends[to] = width * height
  return image
}
