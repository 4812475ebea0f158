import { inflateSparse, type SparseBytes } from './inflate_sparse.ts'
import { checkFilter, unpack, type FilteredPng, type PackedPng } from './png_file.ts'

/** What the filters of a PNG left of its rows: in label maps mostly nothing. */
export interface Residuals {
  /** Of the row read last: the pixels that have a colour byte which is not 0, ascending, then the width. */
  readonly changed: Int32Array
  /** Those bytes of each: R + 256 G + 65536 B. */
  readonly added: Uint32Array
  /** Reads row y, each once and in their order; gives the number of its filter. */
  readRow(y: number): number
}

/** The residuals of a label PNG; its zeros are not made where they are most of it. Throws `data/invalid`. */
export function residualsOf(png: PackedPng, file: string): Residuals {
  const { width, height, channels, data } = png
  const sparse = inflateSparse(data, height * (width * channels + 1))
  const dense = sparse ? undefined : unpack(png, file) // throws before anything is made as large as a header that lies
  const row = { changed: new Int32Array(width + 1), added: new Uint32Array(width) }
  const readRow = dense ? denseRows(dense, row) : sparseRows(png, sparse!, row, file)
  return { changed: row.changed, added: row.added, readRow }
}

type Row = Omit<Residuals, 'readRow'>

function sparseRows({ width, channels }: PackedPng, bytes: SparseBytes, { changed, added }: Row, file: string) {
  const { places, values, count } = bytes
  const stride = width * channels + 1
  let next = 0
  return (y: number): number => {
    const from = y * stride + 1
    const filter = next < count && places[next] === from - 1 ? values[next++]! : 0
    checkFilter(filter, y, file)
    let [changes, last] = [-1, -1]
    for (const end = from + stride - 1; next < count && places[next]! < end; next++) {
      const offset = places[next]! - from
      const x = (offset / channels) | 0
      const byte = values[next]! << (8 * (offset - channels * x))
      // Without a branch: whether a byte is of the pixel before cannot be foreseen.
      const isNew = (last - x) >> 31
      changes -= isNew
      changed[changes] = last = x
      added[changes] = (added[changes]! & ~isNew) | byte
    }
    changes++
    changed[changes] = width
    return filter
  }
}

function denseRows({ width, channels, raw }: FilteredPng, { changed, added }: Row) {
  return (y: number): number => {
    const start = y * (width * channels + 1)
    let changes = 0
    for (let x = 0, at = start + 1; x < width; x++, at += channels) {
      const bytes = raw[at]! | (raw[at + 1]! << 8) | (raw[at + 2]! << 16)
      if (bytes === 0) continue
      changed[changes] = x
      added[changes++] = bytes
    }
    changed[changes] = width
    return raw[start]!
  }
}
