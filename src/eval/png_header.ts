import { closeSync, openSync, readSync } from 'node:fs'
import { PNG_SIGNATURE } from '../data/png_file.ts'

/** What the first bytes of a PNG say. */
export interface LabelHeader {
  /** `640x480` */
  readonly size: string
  /** Whether it has 8-bit RGB or RGBA, row by row, as segment ids need. */
  readonly holdsIds: boolean
}

/** Reads no more of a file than its header. Undefined where it has none: a decoder has more to say about it. */
export function readHeader(file: string): LabelHeader | undefined {
  const header = Buffer.alloc(29)
  try {
    const fd = openSync(file, 'r')
    try {
      if (readSync(fd, header) < header.length) return undefined
    } finally {
      closeSync(fd)
    }
  } catch {
    return undefined
  }
  if (!header.subarray(0, PNG_SIGNATURE.length).equals(PNG_SIGNATURE)) return undefined
  const [depth, colour, , , interlace] = header.subarray(24)
  return {
    size: `${header.readUInt32BE(16)}x${header.readUInt32BE(20)}`,
    holdsIds: depth === 8 && (colour === 2 || colour === 6) && interlace === 0,
  }
}
