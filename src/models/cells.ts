/** What the pixels of a group count for, by key, and where they lead. */
export interface Level {
  /** Four a group: top, bottom, left and right of the places that its pixels lead to. */
  readonly bounds: Float64Array
  /** By group the first of its parts, cells of a block or pixels of a cell; one more at the end. */
  readonly parts: Uint32Array
  /** By group the first of its entries; one more at the end. */
  readonly starts: Uint32Array
  /** The entries: a key, and how many pixels have it. */
  readonly keys: Uint32Array
  readonly counts: Uint32Array
}

/** Pixels sorted by cell, and their cells sorted by block. */
export interface Cells {
  readonly blocks: Level
  readonly cells: Level
  readonly ys: Float32Array
  readonly xs: Float32Array
  readonly keys: Uint32Array
}

/** Side of a cell in pixels, and of a block in cells. */
const CELL = 4
const BLOCK = 8
/** Places farther out of the image than this share one cell. */
const MARGIN = 64

/** Sorts pixels that lead to places (ys, xs) in or around an image; keys are below `most`. */
export function sortIntoCells(
  ys: Float32Array,
  xs: Float32Array,
  keys: Uint32Array,
  height: number,
  width: number,
  most: number,
): Cells {
  const columns = Math.ceil((width + 2 * MARGIN) / (CELL * BLOCK))
  const elsewhere = columns * Math.ceil((height + 2 * MARGIN) / (CELL * BLOCK)) * BLOCK * BLOCK
  const cellOf = (y: number, x: number) => {
    const [row, column] = [Math.floor((y + MARGIN) / CELL), Math.floor((x + MARGIN) / CELL)]
    // Written so that what is no number is not inside.
    if (!(y >= -MARGIN && y < height + MARGIN && x >= -MARGIN && x < width + MARGIN)) return elsewhere
    const block = Math.floor(row / BLOCK) * columns + Math.floor(column / BLOCK)
    return (block * BLOCK + (row % BLOCK)) * BLOCK + (column % BLOCK)
  }
  const numbers = Uint32Array.from(ys, (y, i) => cellOf(y, xs[i]!))
  const order = sortedBy(numbers, elsewhere + 1)

  const [blocks, cells] = [newLevel(most), newLevel(most)]
  for (const [place, i] of order.entries()) {
    const number = numbers[i]!
    const before = place === 0 ? number : numbers[order[place - 1]!]!
    if (number !== before) cells.close(place)
    if (Math.floor(number / BLOCK ** 2) !== Math.floor(before / BLOCK ** 2)) blocks.close(cells.size())
    // Where a float32 square may overflow, all centres are as near: none is left out.
    for (const level of [blocks, cells]) {
      if (number === elsewhere) level.add(keys[i]!, -Infinity, Infinity, -Infinity, Infinity)
      else level.add(keys[i]!, ys[i]!, ys[i]!, xs[i]!, xs[i]!)
    }
  }
  if (order.length > 0) {
    cells.close(order.length)
    blocks.close(cells.size())
  }
  return {
    blocks: blocks.end(),
    cells: cells.end(),
    ys: Float32Array.from(order, (i) => ys[i]!),
    xs: Float32Array.from(order, (i) => xs[i]!),
    keys: Uint32Array.from(order, (i) => keys[i]!),
  }
}

/** The indices of numbers below `most` in the order of the numbers; equal ones keep theirs. */
function sortedBy(numbers: Uint32Array, most: number): Uint32Array {
  const next = new Uint32Array(most + 1)
  for (const number of numbers) next[number + 1]! += 1
  for (let n = 0; n < most; n++) next[n + 1]! += next[n]!
  const order = new Uint32Array(numbers.length)
  for (const [i, number] of numbers.entries()) order[next[number]!++] = i
  return order
}

/** A level under construction: `add` counts a pixel to the open group, `close` ends the group at the part before `next`. */
function newLevel(most: number) {
  const tally = new Uint32Array(most)
  const bounds: number[] = []
  const parts = [0]
  const starts = [0]
  const keys: number[] = []
  const counts: number[] = []
  let box: [top: number, bottom: number, left: number, right: number] = [Infinity, -Infinity, Infinity, -Infinity]
  return {
    size: () => parts.length - 1,
    add(key: number, top: number, bottom: number, left: number, right: number) {
      if (tally[key] === 0) keys.push(key)
      tally[key]! += 1
      if (top < box[0]) box[0] = top
      if (bottom > box[1]) box[1] = bottom
      if (left < box[2]) box[2] = left
      if (right > box[3]) box[3] = right
    },
    close(next: number) {
      for (let n = starts.at(-1)!; n < keys.length; n++) {
        counts.push(tally[keys[n]!]!)
        tally[keys[n]!] = 0
      }
      starts.push(keys.length)
      parts.push(next)
      bounds.push(...box)
      box = [Infinity, -Infinity, Infinity, -Infinity]
    },
    end: (): Level => ({
      bounds: Float64Array.from(bounds),
      parts: Uint32Array.from(parts),
      starts: Uint32Array.from(starts),
      keys: Uint32Array.from(keys),
      counts: Uint32Array.from(counts),
    }),
  }
}
