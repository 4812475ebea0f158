import type { Center } from './centers.ts'

/**
 * The centres that may be nearest to a position, by the square that it lies in: most squares have one, and then nothing is
 * compared at all. Lists are made when a position first asks for them, for most squares lie on no thing.
 */
export interface CenterGrid {
  readonly ys: Float64Array
  readonly xs: Float64Array
  /** Squares of `CELL` pixels, row by row, over the image and a margin around it. */
  readonly rows: number
  readonly columns: number
  /** By square: the only centre, or `SEVERAL`, or `UNKNOWN` before a position asked. */
  readonly only: Int32Array
  /** By square, where there are several. */
  readonly several: (Int32Array | undefined)[]
  /** The same for squares of `BLOCK` cells a side: what is far from a block is far from all that lies in it. */
  readonly blocks: (Int32Array | undefined)[]
  readonly everyone: Int32Array
  readonly squares: Float64Array
}

const CELL = 8
const BLOCK = 8
/** Offsets lead out of the image now and then. In whole blocks. */
const MARGIN = CELL * BLOCK
const UNKNOWN = -1
const SEVERAL = -2

/** There is at least one centre. */
export function centerGrid(centers: readonly Center[], height: number, width: number): CenterGrid {
  const rows = Math.ceil((height + 2 * MARGIN) / CELL)
  const columns = Math.ceil((width + 2 * MARGIN) / CELL)
  return {
    ys: Float64Array.from(centers, ({ y }) => y),
    xs: Float64Array.from(centers, ({ x }) => x),
    rows,
    columns,
    only: new Int32Array(rows * columns).fill(UNKNOWN),
    several: [],
    blocks: [],
    everyone: Int32Array.from(centers.keys()),
    squares: new Float64Array(centers.length),
  }
}

/**
 * The index of the centre nearest to a position, the first of equals: `group_pixels` of detectron2's post_processing.py,
 * with its distances in float32. Both coordinates are float32.
 */
export function nearestIn(grid: CenterGrid, y: number, x: number): number {
  const row = (y + MARGIN) * (1 / CELL)
  const column = (x + MARGIN) * (1 / CELL)
  // Written so that what is no number is not inside.
  if (!(row >= 0 && row < grid.rows && column >= 0 && column < grid.columns)) {
    return nearestOf(grid.everyone, grid.everyone.length, grid.ys, grid.xs, y, x)
  }
  const cell = (row | 0) * grid.columns + (column | 0)
  const only = grid.only[cell]!
  return only >= 0 ? only : nearestOfCell(grid, cell, y, x)
}

function nearestOfCell(grid: CenterGrid, cell: number, y: number, x: number): number {
  const list = grid.several[cell] ?? candidatesOf(grid, cell)
  return list.length === 1 ? list[0]! : nearestOf(list, list.length, grid.ys, grid.xs, y, x)
}

/** Of the first `count` centres of a list, the nearest; the first of equals and where no distance is a number, as in torch. */
export function nearestOf(
  list: Int32Array,
  count: number,
  ys: Float64Array,
  xs: Float64Array,
  y: number,
  x: number,
): number {
  let best = list[0]!
  let least = Infinity
  for (let i = 0; i < count; i++) {
    const index = list[i]!
    const dy = Math.fround(ys[index]! - y)
    const dx = Math.fround(xs[index]! - x)
    const square = Math.fround(Math.fround(dy * dy) + Math.fround(dx * dx))
    if (square < least && isNearer(square, least)) {
      best = index
      least = square
    }
  }
  return best
}

/** Whether the root is smaller too, in float32: two squares that are almost equal may share one. */
function isNearer(square: number, least: number): boolean {
  return square < least * (1 - 1e-6) || Math.fround(Math.sqrt(square)) < Math.fround(Math.sqrt(least))
}

/**
 * Writes into `found` those of some centres that may be nearest to a point of a box, in their order, and returns how many:
 * none that is farther from all of the box than some other is from its farthest point. The box is four of `boxes` from
 * `at` on: top, bottom, left, right. `squares` is scratch.
 */
export function candidates(
  list: Int32Array,
  count: number,
  ys: Float64Array,
  xs: Float64Array,
  boxes: Float64Array,
  at: number,
  squares: Float64Array,
  found: Int32Array,
): number {
  const top = boxes[at]!
  const bottom = boxes[at + 1]!
  const left = boxes[at + 2]!
  const right = boxes[at + 3]!
  let least = Infinity
  for (let i = 0; i < count; i++) {
    const y = ys[list[i]!]!
    const x = xs[list[i]!]!
    const above = top - y
    const below = y - bottom
    const before = left - x
    const behind = x - right
    const dy = above > 0 ? above : below > 0 ? below : 0
    const dx = before > 0 ? before : behind > 0 ? behind : 0
    squares[i] = dy * dy + dx * dx
    // The farther edge is the one whose signed distance is the smaller.
    const farY = above < below ? above : below
    const farX = before < behind ? before : behind
    const farthest = farY * farY + farX * farX
    if (farthest < least) least = farthest
  }
  // The margin is far more than float32 errs, so that a near tie is left to `nearestOf`.
  const bound = (Math.sqrt(least) * (1 + 1e-6) + 0.01) ** 2
  let size = 0
  for (let i = 0; i < count; i++) if (squares[i]! <= bound) found[size++] = list[i]!
  return size
}

function candidatesOf(grid: CenterGrid, cell: number): Int32Array {
  const row = Math.floor(cell / grid.columns)
  const column = cell % grid.columns
  const blockColumns = Math.ceil(grid.columns / BLOCK)
  const block = Math.floor(row / BLOCK) * blockColumns + Math.floor(column / BLOCK)
  const near = (grid.blocks[block] ??= listFor(
    grid,
    grid.everyone,
    Math.floor(row / BLOCK),
    Math.floor(column / BLOCK),
    CELL * BLOCK,
  ))
  const list = listFor(grid, near, row, column, CELL)
  if (list.length === 1) grid.only[cell] = list[0]!
  else {
    grid.only[cell] = SEVERAL
    grid.several[cell] = list
  }
  return list
}

function listFor(grid: CenterGrid, from: Int32Array, row: number, column: number, side: number): Int32Array {
  const [top, left] = [row * side - MARGIN, column * side - MARGIN]
  const found = new Int32Array(from.length)
  const box = Float64Array.of(top, top + side, left, left + side)
  return found.subarray(0, candidates(from, from.length, grid.ys, grid.xs, box, 0, grid.squares, found))
}
