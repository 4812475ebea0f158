import { crc32, inflateSync } from 'node:zlib'
import { messageOf, TuneError } from '../errors.ts'

/** A PNG of segment ids whose pixels are still compressed. */
export interface PackedPng {
  readonly width: number
  readonly height: number
  /** Bytes a pixel. */
  readonly channels: 3 | 4
  /** A zlib stream: for each row the number of its filter, 0 to 4, then its bytes. */
  readonly data: Uint8Array
}

/** The same, inflated but still filtered. */
export interface FilteredPng extends Omit<PackedPng, 'data'> {
  readonly raw: Uint8Array
}

export const PNG_SIGNATURE: Readonly<Uint8Array> = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const COLOURS: readonly (readonly [type: number, name: Colour])[] = [
  [0, 'grayscale'],
  [2, 'RGB'],
  [3, 'palette'],
  [4, 'grayscale with alpha'],
  [6, 'RGBA'],
]
/** Pixels of the largest PNG that is read, 11,585 squared: what a few hundred kB inflate to stays around 1 GiB. */
export const MOST_PIXELS = 2 ** 27
/** Deflate never shrinks by more than 1032 to 1, so a header that claims more than that of its data lies. */
const MAX_INFLATION = 1032

type Colour = 'grayscale' | 'RGB' | 'palette' | 'grayscale with alpha' | 'RGBA'

/** What the header of a PNG says. */
export interface PngHeader {
  readonly width: number
  readonly height: number
  /** Bits a channel. */
  readonly depth: number
  readonly colour: Colour
}

/** What a PNG is read for: how much of each kind that serves, and what a message says to those that do not. */
export interface PngUse {
  /** Bits a pixel, or what about this kind does not serve. */
  readonly bitsOf: (header: PngHeader) => number | string
  /** `segment ids need an RGB PNG`. */
  readonly need: string
  readonly hint: string
}

const IDS: PngUse = {
  bitsOf: ({ colour, depth }) => {
    if (colour !== 'RGB' && colour !== 'RGBA') return `a ${colour} PNG`
    return depth === 8 ? (colour === 'RGB' ? 24 : 32) : `a PNG of ${depth} bits a channel`
  },
  need: 'segment ids need an RGB PNG of 8 bits a channel',
  hint: 'write labels as COCO panoptic does: id = R + 256 G + 65536 B, 8 bits a channel, not interlaced',
}

/**
 * Opens a PNG of 8-bit RGB or RGBA, not interlaced. `file` names it in messages. Throws `data/invalid` for every other
 * kind of PNG, and for one that is damaged anywhere but in its pixels.
 */
export function openPng(bytes: Uint8Array, file: string): PackedPng {
  const { header, data } = readChunks(bytes, file, IDS)
  const { width, height, colour } = header
  return { width, height, channels: colour === 'RGB' ? 3 : 4, data }
}

/** Inflates the pixels. Throws `data/invalid` where they are damaged. */
export function unpack({ width, height, channels, data }: PackedPng, file: string): FilteredPng {
  return { width, height, channels, raw: inflateRows(data, height, width * channels + 1, file) }
}

/** Inflates a PNG that serves its use, not interlaced: for each row the number of its filter, 0 to 4, then its bytes. */
export function inflatePng(bytes: Uint8Array, file: string, use: PngUse): PngHeader & { readonly raw: Uint8Array } {
  const { header, data } = readChunks(bytes, file, use)
  const { width, height, bits } = header
  return { ...header, raw: inflateRows(data, height, Math.ceil((width * bits) / 8) + 1, file) }
}

function inflateRows(data: Uint8Array, height: number, stride: number, file: string): Uint8Array {
  const raw = inflate(data, height * stride, file)
  for (let y = 0; y < height; y++) checkFilter(raw[y * stride]!, y, file)
  return raw
}

export function checkFilter(filter: number, y: number, file: string): void {
  if (filter > 4) throw damaged(file, `row ${y} has filter ${filter}, which does not exist`)
}

type Header = PngHeader & { readonly bits: number }

/** Walks the chunks, checks each one's CRC, and gives the header and the compressed pixels. */
function readChunks(
  bytes: Uint8Array,
  file: string,
  use: PngUse,
): { readonly header: Header; readonly data: Uint8Array } {
  if (PNG_SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    const found = bytes.length === 0 ? 'the file is empty' : 'not a PNG file'
    throw new TuneError('data/invalid', `${file}: ${found}`, { hint: 'write it again, as an 8-bit PNG' })
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
    if (type === 'IHDR') header = parseHeader(body, file, use)
    else if (type === 'IDAT') parts.push(body)
    // Lower case marks a chunk that a reader may skip; a palette beside RGB is only a suggestion.
    else if (/^[A-Z]/.test(type) && type !== 'PLTE') throw damaged(file, `it has an unknown chunk '${type}'`)
    at += 12 + length
  }
  if (!header) throw damaged(file, 'it has no header')
  return { header, data: parts.length === 1 ? parts[0]! : Buffer.concat(parts) }
}

function parseHeader(body: Uint8Array, file: string, use: PngUse): Header {
  if (body.length !== 13) throw damaged(file, `its header has ${body.length} bytes, not 13`)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const [width, height] = [view.getUint32(0), view.getUint32(4)]
  const [depth, type, interlace] = [view.getUint8(8), view.getUint8(9), view.getUint8(12)]
  if (width === 0 || height === 0) throw damaged(file, `its header says ${width}x${height} pixels`)
  if (width * height > MOST_PIXELS) throw tooLarge(file, width, height)
  const colour = COLOURS.find(([number]) => number === type)?.[1]
  if (colour === undefined) throw unreadable(file, `a type ${type} PNG`, use)
  const bits = use.bitsOf({ width, height, depth, colour })
  if (typeof bits === 'string') throw unreadable(file, bits, use)
  if (interlace !== 0) throw unreadable(file, 'an interlaced PNG', use)
  return { width, height, depth, colour, bits }
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

function unreadable(file: string, found: string, { need, hint }: PngUse): TuneError {
  return new TuneError('data/invalid', `${file}: ${found}; ${need}`, { hint })
}

function tooLarge(file: string, width: number, height: number): TuneError {
  return new TuneError('data/invalid', `${file}: ${width}x${height} pixels; at most 2^27 can be read`, {
    hint: 'cut the image into tiles',
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
