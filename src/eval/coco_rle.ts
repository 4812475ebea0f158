import { TuneError } from '../errors.ts'

/** A binary mask as COCO keeps it: runs down the columns from left to right, in turn background and foreground. */
export interface Rle {
  readonly height: number
  readonly width: number
  /** Where each run ends, in pixels from the first; the first run is background and may be empty. Ends with the size. */
  readonly ends: Uint32Array
}

/** COCO's code of a count takes 5 bits a character; six of them hold every run of a mask below 2^29 pixels. */
export const MOST_PIXELS = 2 ** 29 - 1
const CHARACTERS = 6

/**
 * The mask of a compressed RLE string (`rleFrString` of cocoapi's maskApi.c): six bits a character from '0' on, of which
 * one says that more follow; from the fourth count on the difference to the one two before.
 * Throws `data/invalid` where it is damaged or does not add up to its size.
 */
export function rleFromString(text: string, height: number, width: number): Rle {
  const ends = roomFor(text.length)
  let runs = 0
  let end = 0
  let last = 0
  let beforeLast = 0
  for (let at = 0; at < text.length; runs++) {
    let count = 0
    let bits = 0
    let code = 0
    do {
      // NaN beyond the end.
      code = text.charCodeAt(at++) - 48
      if (!(code >= 0 && code < 64)) throw damaged(at > text.length ? 'it is cut short' : strange(text, at - 1))
      count |= (code & 31) << bits
      bits += 5
    } while (code & 32 && bits < 5 * CHARACTERS)
    if (code & 32) throw damaged(`the count at character ${at - CHARACTERS} has more than ${CHARACTERS} characters`)
    if (code & 16) count |= -1 << bits
    if (runs > 2) count += beforeLast
    if (count < 0) throw damaged(`its run ${runs} has ${count} pixels`)
    end += count
    ends[runs] = end
    beforeLast = last
    last = count
  }
  checkSum(end, height, width)
  roomUsed += runs
  return { height, width, ends: ends.subarray(0, runs) }
}

/** Masks are many and small: they share blocks of memory, for one block each costs more than decoding it. */
const BLOCK = 1 << 15
let room = new Uint32Array(0)
let roomUsed = 0

function roomFor(length: number): Uint32Array {
  if (room.length - roomUsed < length) {
    room = new Uint32Array(Math.max(BLOCK, length))
    roomUsed = 0
  }
  return room.subarray(roomUsed)
}

/** The mask of uncompressed counts. Throws `data/invalid` where they do not add up to its size. */
export function rleFromCounts(counts: readonly number[], height: number, width: number): Rle {
  const ends = new Uint32Array(counts.length)
  let end = 0
  for (const [i, count] of counts.entries()) {
    if (!Number.isSafeInteger(count) || count < 0) throw damaged(`its run ${i} has ${count} pixels`)
    ends[i] = end += count
  }
  checkSum(end, height, width)
  return { height, width, ends }
}

/** The lengths of the runs. */
export function countsOf({ ends }: Rle): number[] {
  return Array.from(ends, (end, i) => end - (i === 0 ? 0 : ends[i - 1]!))
}

/** The compressed string of a mask, as pycocotools writes it (`rleToString`). */
export function stringOf(rle: Rle): string {
  const counts = countsOf(rle)
  let text = ''
  for (const [i, count] of counts.entries()) {
    let rest = i > 2 ? count - counts[i - 2]! : count
    for (let more = true; more;) {
      const bits = rest & 31
      rest >>= 5
      more = bits & 16 ? rest !== -1 : rest !== 0
      text += String.fromCharCode(48 + bits + (more ? 32 : 0))
    }
  }
  return text
}

/** The mask of pixels row by row, 0 for background. */
export function rleFromPixels(pixels: ArrayLike<number>, height: number, width: number): Rle {
  const ends: number[] = []
  let before = false
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const inside = pixels[y * width + x] !== 0
      if (inside !== before) ends.push(x * height + y)
      before = inside
    }
  }
  return { height, width, ends: Uint32Array.from([...ends, height * width]) }
}

/** 0 or 1 a pixel, row by row. */
export function pixelsOf({ height, width, ends }: Rle): Uint8Array {
  const pixels = new Uint8Array(height * width)
  for (let run = 1; run < ends.length; run += 2) {
    for (let i = ends[run - 1]!; i < ends[run]!; i++) pixels[(i % height) * width + Math.floor(i / height)] = 1
  }
  return pixels
}

function checkSum(sum: number, height: number, width: number): void {
  if (sum === height * width) return
  throw damaged(`its runs add up to ${sum} pixels; its size ${height}x${width} makes ${height * width}`)
}

function strange(text: string, at: number): string {
  return `its character ${at} is ${JSON.stringify(text[at])}`
}

function damaged(what: string): TuneError {
  return new TuneError('data/invalid', `damaged RLE: ${what}`, {
    hint: 'write masks with pycocotools.mask.encode, and the string as it is',
  })
}
