import { openPng, unpack } from './png_file.ts'
import { UNDO_FILTER } from './png_filter.ts'

/** Segment ids of a label PNG, row by row: id = R + 256 G + 65536 B, and 0 is void. */
export interface IdImage {
  readonly width: number
  readonly height: number
  readonly ids: Uint32Array
}

/**
 * The ids of a label PNG: 8-bit RGB or RGBA (alpha is ignored), not interlaced. `file` names it in messages.
 * Throws `data/invalid` for every other kind of PNG, and for one that is damaged anywhere.
 */
export function decodeIds(bytes: Uint8Array, file: string): IdImage {
  const { width, height, channels, raw } = unpack(openPng(bytes, file), file)
  const rowBytes = width * channels
  const ids = new Uint32Array(width * height)
  let above: Uint8Array = new Uint8Array(rowBytes)
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1)
    const row = raw.subarray(at + 1, at + 1 + rowBytes)
    UNDO_FILTER[raw[at]!]!(row, above, channels)
    for (let x = 0, from = 0; x < width; x++, from += channels) {
      ids[y * width + x] = row[from]! | (row[from + 1]! << 8) | (row[from + 2]! << 16)
    }
    above = row
  }
  return { width, height, ids }
}
