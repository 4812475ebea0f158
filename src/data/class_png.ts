import { inflatePng, type PngHeader, type PngUse } from './png_file.ts'
import { UNDO_FILTER } from './png_filter.ts'

/** A class for each pixel, row by row. */
export interface ClassImage {
  readonly width: number
  readonly height: number
  readonly classes: Uint16Array
}

/** Palette PNGs of few colours have few bits a pixel; grey ones that do are pictures, for readers stretch their values. */
const CLASSES: PngUse = {
  bitsOf: ({ colour, depth }) => {
    if (colour !== 'grayscale' && colour !== 'palette') return `a ${colour} PNG`
    const depths = colour === 'palette' ? [1, 2, 4, 8] : [8, 16]
    return depths.includes(depth) ? depth : `a ${colour} PNG of ${depth} bits`
  },
  need: 'class labels need a grayscale PNG of 8 or 16 bits, or one with a palette',
  hint: 'write one number a pixel, the index of its class, as an image of mode L or P',
}

/**
 * The classes of a label PNG: the values of a grayscale one, the indices of one with a palette, whatever its colours.
 * Not interlaced. `file` names it in messages. Throws `data/invalid` for every other kind, and for one that is damaged.
 */
export function decodeClasses(bytes: Uint8Array, file: string): ClassImage {
  const { raw, ...header } = inflatePng(bytes, file, CLASSES)
  const { width, height } = header
  const rowBytes = raw.length / height - 1
  const step = header.depth === 16 ? 2 : 1
  const classes = new Uint16Array(width * height)
  let above: Uint8Array = new Uint8Array(rowBytes)
  for (let y = 0; y < height; y++) {
    const at = y * (rowBytes + 1)
    const row = raw.subarray(at + 1, at + 1 + rowBytes)
    UNDO_FILTER[raw[at]!]!(row, above, step)
    unpackRow(row, header, classes.subarray(y * width, (y + 1) * width))
    above = row
  }
  return { width, height, classes }
}

/** The highest bits and the higher byte come first. */
function unpackRow(row: Uint8Array, { depth }: PngHeader, classes: Uint16Array): void {
  if (depth === 8) return classes.set(row)
  for (let x = 0; x < classes.length; x++) {
    if (depth === 16) classes[x] = (row[2 * x]! << 8) | row[2 * x + 1]!
    else {
      const bit = x * depth
      classes[x] = (row[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1)
    }
  }
}
