import { crc32, deflateSync } from 'node:zlib'

/** A PNG put together by hand, so that every part of it can be wrong. */
export interface RawPng {
  readonly width: number
  readonly height: number
  /** 0 grayscale, 2 RGB, 3 palette, 4 grayscale with alpha, 6 RGBA. Default 2. */
  readonly type?: number
  readonly depth?: number
  readonly interlace?: number
  /** Filtered rows, each with its filter number in front. */
  readonly raw: Uint8Array
  /** Chunks between the header and the pixels. */
  readonly extra?: readonly Uint8Array[]
  /** How hard deflate tries; 0 stores, so that the size of the file depends on that of the image alone. */
  readonly level?: number
  /** Into how many chunks the pixels are split. */
  readonly parts?: number
}

export function rawPng({ width, height, raw, ...rest }: RawPng): Buffer {
  const { type = 2, depth = 8, interlace = 0, extra = [], level = 6, parts = 1 } = rest
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, type, 0, 0, interlace], 8)
  const data = deflateSync(raw, { level })
  const length = Math.ceil(data.length / parts)
  const pixels = Array.from({ length: parts }, (_, i) => pngChunk('IDAT', data.subarray(i * length, (i + 1) * length)))
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, pngChunk('IHDR', header), ...extra, ...pixels, pngChunk('IEND', Buffer.alloc(0))])
}

export function pngChunk(type: string, body: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(body.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}

/** Filters rows of bytes as the PNG specification says in its section 9.2, one filter number a row. */
export function filterRows(bytes: Uint8Array, rowBytes: number, step: number, filters: readonly number[]): Uint8Array {
  const raw = new Uint8Array(filters.length * (rowBytes + 1))
  const byteAt = (y: number, i: number) => (y < 0 || i < 0 ? 0 : bytes[y * rowBytes + i]!)
  for (const [y, filter] of filters.entries()) {
    raw[y * (rowBytes + 1)] = filter
    for (let i = 0; i < rowBytes; i++) {
      const [a, b, c] = [byteAt(y, i - step), byteAt(y - 1, i), byteAt(y - 1, i - step)]
      const p = a + b - c
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
      const paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c
      const predictor = [0, a, b, Math.floor((a + b) / 2), paeth][filter]!
      raw[y * (rowBytes + 1) + 1 + i] = byteAt(y, i) - predictor
    }
  }
  return raw
}
