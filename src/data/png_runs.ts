import { openPng, type PackedPng } from './png_file.ts'
import { paeth } from './png_filter.ts'
import { residualsOf, type Residuals } from './png_residuals.ts'

/** Segment ids of an image as runs, row by row across its rows: run i ends before pixel `ends[i]`, and the next differs. */
export interface IdRuns {
  readonly width: number
  readonly height: number
  readonly ends: Uint32Array
  readonly ids: Uint32Array
}

/**
 * The ids of a label PNG as runs, without making its pixels: a pixel whose filtered bytes are 0 continues what its
 * neighbours are, so that only the others, and the places where the row above changes, need a look. As `decodeIds`, it
 * reads 8-bit RGB or RGBA (alpha is ignored), not interlaced, and throws `data/invalid` for anything else.
 */
export function decodeIdRuns(bytes: Uint8Array, file: string): IdRuns {
  const png = openPng(bytes, file)
  const { width, height } = png
  const residuals = residualsOf(png, file)
  scratch.starts[0] = scratch.ids[0] = 0 // what is above the first row: zeros, at positions 0 to width
  let [above, count] = [0, 1]
  for (let y = 0; y < height; y++) {
    reserve(count + width + 1)
    const end = readRow(residuals, residuals.readRow(y), (y + 1) * width, above, count)
    above = count
    count = end
  }
  return merged(png, count)
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

/** Appends the runs of a row that begins at position `start`; those of the row above are `above` to `count`. Gives where they end. */
function readRow({ changed, added }: Residuals, filter: number, start: number, above: number, count: number): number {
  const { starts, ids } = scratch
  const width = changed.length - 1
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
      id = plus(id, added[next++]!)
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

/** Each of the three bytes by itself: the highest bits of all are added without their carry. */
function plus(a: number, b: number): number {
  return ((a & 0x7f7f7f) + (b & 0x7f7f7f)) ^ ((a ^ b) & 0x808080)
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
function merged({ width, height }: PackedPng, count: number): IdRuns {
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
