import { crc32, deflateSync } from 'node:zlib'
import type { IdImage } from './png.ts'
import { PNG_SIGNATURE } from './png_file.ts'
import { filterRow } from './png_filter.ts'

/** A label PNG of ids below 2^24. */
export function encodeIds({ width, height, ids }: IdImage): Uint8Array {
  const pixels = new Uint8Array(3 * ids.length)
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    if (id > 0xffffff) throw new RangeError(`id ${id} does not fit into 24 bits`)
    pixels[3 * i] = id
    pixels[3 * i + 1] = id >>> 8
    pixels[3 * i + 2] = id >>> 16
  }
  return encodeRgb({ width, height, pixels })
}

/** A PNG of RGB bytes, row by row; each row is filtered by whichever filter leaves the smallest differences. */
export function encodeRgb(image: {
  readonly width: number
  readonly height: number
  readonly pixels: Uint8Array
}): Uint8Array {
  const { width, height, pixels } = image
  const rowBytes = 3 * width
  if (pixels.length !== rowBytes * height) throw new RangeError(`${pixels.length} bytes are no ${width}x${height} RGB`)
  const raw = new Uint8Array(height * (rowBytes + 1))
  let above: Uint8Array = new Uint8Array(rowBytes)
  for (let y = 0; y < height; y++) {
    const row = pixels.subarray(y * rowBytes, (y + 1) * rowBytes)
    const { filter, bytes } = filterRow(row, above)
    raw[y * (rowBytes + 1)] = filter
    raw.set(bytes, y * (rowBytes + 1) + 1)
    above = row
  }
  const header = new Uint8Array(13)
  const view = new DataView(header.buffer)
  view.setUint32(0, width)
  view.setUint32(4, height)
  header.set([8, 2], 8) // 8 bits a channel, RGB
  const data = deflateSync(raw)
  return Buffer.concat([PNG_SIGNATURE, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', new Uint8Array())])
}

function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + body.length)
  bytes.writeUInt32BE(body.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(body, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + body.length)), 8 + body.length)
  return bytes
}
