import { crc32, inflateSync } from 'node:zlib'
import { messageOf, TuneError } from '../errors.ts'
import { UNDO_FILTER } from './png_filter.ts'

/** Segment ids of a label PNG, row by row: id = R + 256 G + 65536 B, and 0 is void. */
export interface IdImage {
  readonly width: number
  readonly height: number
  readonly ids: Uint32Array
}

export const PNG_SIGNATURE: Readonly<Uint8Array> = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const RGB = 2
const RGBA = 6
const COLOUR_TYPES: Readonly<Record<number, string>> = {
  0: 'grayscale',
  [RGB]: 'RGB',
  3: 'palette',
  4: 'grayscale with alpha',
  [RGBA]: 'RGBA',
}
/** Deflate never shrinks by more than 1032 to 1, so a header that claims more than that of its data lies. */
const MAX_INFLATION = 1032

/**
 * The ids of a label PNG: 8-bit RGB or RGBA (alpha is ignored), not interlaced. `file` names it in messages.
 * Throws `data/invalid` for every other kind of PNG, and for one that is damaged anywhere.
 */
export function decodeIds(bytes: Uint8Array, file: string): IdImage {
  const { header, data } = readChunks(bytes, file)
  const { width, height, channels } = header
  const rowBytes = width * channels
  const raw = inflate(data, height * (rowBytes + 1), file)
  const ids = new Uint32Array(width * height)
  let above: Uint8Array = new Uint8Array(rowBytes)
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1)
    const row = raw.subarray(at + 1, at + 1 + rowBytes)
    const undo = UNDO_FILTER[raw[at]!]
    if (!undo) throw damaged(file, `row ${y} has filter ${raw[at]}, which does not exist`)
    undo(row, above, channels)
    for (let x = 0, from = 0; x < width; x++, from += channels) {
      ids[y * width + x] = row[from]! | (row[from + 1]! << 8) | (row[from + 2]! << 16)
    }
    above = row
  }
  return { width, height, ids }
}

interface Header {
  readonly width: number
  readonly height: number
  readonly channels: 3 | 4
}

/** Walks the chunks, checks each one's CRC, and gives the header and the compressed pixels. */
function readChunks(bytes: Uint8Array, file: string): { readonly header: Header; readonly data: Uint8Array } {
  if (PNG_SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    const found = bytes.length === 0 ? 'the file is empty' : 'not a PNG file'
    throw new TuneError('data/invalid', `${file}: ${found}`, { hint: 'write it again, as an 8-bit RGB PNG' })
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  let header: Header | undefined
  for (let at = PNG_SIGNATURE.length; ;) {
    if (at + 12 > bytes.length) throw truncated(file, bytes.length)
    const length = view.getUint32(at)
    if (length > bytes.length - at - 12) throw truncated(file, bytes.length)
    const body = bytes.subarray(at + 8, at + 8 + length)
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    if (crc32(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) {
      throw damaged(file, `the checksum of its chunk '${type}' at byte ${at} is wrong`)
    }
    if (type === 'IEND') break
    if (type === 'IHDR') header = parseHeader(body, file)
    else if (type === 'IDAT') parts.push(body)
    // Lower case marks a chunk that a reader may skip; a palette beside RGB is only a suggestion.
    else if (/^[A-Z]/.test(type) && type !== 'PLTE') throw damaged(file, `it has an unknown chunk '${type}'`)
    at += 12 + length
  }
  if (!header) throw damaged(file, 'it has no header')
  return { header, data: parts.length === 1 ? parts[0]! : Buffer.concat(parts) }
}

function parseHeader(body: Uint8Array, file: string): Header {
  if (body.length !== 13) throw damaged(file, `its header has ${body.length} bytes, not 13`)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  const [depth, type, interlace] = [view.getUint8(8), view.getUint8(9), view.getUint8(12)]
  if (width === 0 || height === 0) throw damaged(file, `its header says ${width}x${height} pixels`)
  if (type !== RGB && type !== RGBA) throw unreadable(file, `a ${COLOUR_TYPES[type] ?? `type ${type}`} PNG`)
  if (depth !== 8) throw unreadable(file, `a PNG of ${depth} bits a channel`)
  if (interlace !== 0) throw unreadable(file, 'an interlaced PNG')
  return { width, height, channels: type === RGB ? 3 : 4 }
}

/** Inflates to exactly `size` bytes; nothing of that size is allocated for data that cannot fill it. */
function inflate(data: Uint8Array, size: number, file: string): Uint8Array {
  if (size > MAX_INFLATION * data.length) {
    throw damaged(file, `${data.length} bytes of compressed pixels cannot hold the ${size} that its header promises`)
  }
  let raw: Uint8Array
  try {
    // One chunk a little above the size: zlib then fills it in one go, and has room to see its end.
    raw = inflateSync(data, { maxOutputLength: size, chunkSize: size + 64 })
  } catch (error) {
    throw damaged(file, `its pixels do not inflate (${messageOf(error)})`, error)
  }
  if (raw.length !== size) throw damaged(file, `it has ${raw.length} bytes of pixels; its header promises ${size}`)
  return raw
}

function unreadable(file: string, found: string): TuneError {
  return new TuneError('data/invalid', `${file}: ${found}; segment ids need an RGB PNG of 8 bits a channel`, {
    hint: 'write labels as COCO panoptic does: id = R + 256 G + 65536 B, 8 bits a channel, not interlaced',
  })
}

function damaged(file: string, what: string, cause?: unknown): TuneError {
  return new TuneError('data/invalid', `${file}: damaged PNG: ${what}`, {
    hint: 'fetch or write the file again',
    cause,
  })
}

function truncated(file: string, size: number): TuneError {
  return damaged(file, `it is truncated, it ends after ${size} bytes`)
}
