/** A peak of the heat map: the pixel, and the heat there. */
export interface Center {
  readonly y: number
  readonly x: number
  readonly score: number
}

export interface CenterOptions {
  /** Heat at or below it is no centre. */
  readonly threshold: number
  /** Side of the window, in pixels, in which a centre must be the highest; odd. */
  readonly nmsKernel: number
  /** Fewer centres than this are kept: those above the `topK`-th score. */
  readonly topK: number
}

/**
 * The centres of a heat map (height x width), row by row: `find_instance_center` of detectron2's post_processing.py. All
 * pixels of a plateau are centres. Where there are `topK` or more, the `topK`-th and all that equal it are dropped.
 */
export function findCenters(heat: Float32Array, height: number, width: number, options: CenterOptions): Center[] {
  const { nmsKernel, topK } = options
  const reach = (nmsKernel - 1) >> 1
  // The maps are float32, so is the threshold there. Suppressed pixels count as 0: heat below it is never a centre.
  const threshold = Math.max(0, Math.fround(options.threshold))
  const centers: Center[] = []
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const score = heat[i]!
      if (score > threshold && isPeak(heat, height, width, y, x, reach)) centers.push({ y, x, score })
    }
  }
  if (centers.length < topK) return centers
  const kth = Float64Array.from(centers, ({ score }) => score).toSorted()[centers.length - topK]!
  return centers.filter(({ score }) => score > kth)
}

/** Whether no pixel of the window is higher. `!(a <= b)` instead of `a > b`: beside a NaN nothing is a peak, as in torch. */
function isPeak(heat: Float32Array, height: number, width: number, y: number, x: number, reach: number): boolean {
  const i = y * width + x
  const score = heat[i]!
  // Most pixels on a slope fail at a direct neighbour already.
  if (reach > 0) {
    if (x > 0 && !(heat[i - 1]! <= score)) return false
    if (x + 1 < width && !(heat[i + 1]! <= score)) return false
    if (y > 0 && !(heat[i - width]! <= score)) return false
    if (y + 1 < height && !(heat[i + width]! <= score)) return false
  }
  const [top, bottom] = [Math.max(0, y - reach), Math.min(height - 1, y + reach)]
  const [left, right] = [Math.max(0, x - reach), Math.min(width - 1, x + reach)]
  for (let row = top; row <= bottom; row++) {
    for (let j = row * width + left; j <= row * width + right; j++) if (!(heat[j]! <= score)) return false
  }
  return true
}

/** Side of the squares that share a list of candidates; a power of 2. */
const CELL = 16

/**
 * A function from a position to the index of the nearest centre, the first of equals: `group_pixels` of detectron2's
 * post_processing.py, with its distances in float32. A position inside the image is compared with those centres only
 * that are nearest to some point of its square; the lists are made when first needed.
 */
export function nearestCenter(
  centers: readonly Center[],
  height: number,
  width: number,
): (y: number, x: number) => number {
  const ys = Float64Array.from(centers, ({ y }) => y)
  const xs = Float64Array.from(centers, ({ x }) => x)
  const everyone = [...centers.keys()]
  const columns = Math.ceil(width / CELL)
  const squares = new Float64Array(centers.length)
  const lists: (readonly number[] | undefined)[] = Array.from({ length: Math.ceil(height / CELL) * columns })

  const candidatesAt = (y: number, x: number): readonly number[] => {
    if (!(y >= 0 && y < height && x >= 0 && x < width)) return everyone
    const row = Math.floor(y / CELL)
    const column = Math.floor(x / CELL)
    return (lists[row * columns + column] ??= candidates(ys, xs, row * CELL, column * CELL, squares))
  }
  return (y, x) => {
    const list = candidatesAt(y, x)
    return list.length === 1 ? list[0]! : nearestOf(list, ys, xs, y, x)
  }
}

/** Of some centres, the nearest to a position; the first of equals and, as in torch, where no distance is a number. */
function nearestOf(list: readonly number[], ys: Float64Array, xs: Float64Array, y: number, x: number): number {
  let best = list[0]!
  let least = Infinity
  for (let i = 0; i < list.length; i++) {
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
 * The centres that may be nearest to a point of the square at (top, left): by the triangle inequality none that is farther
 * from its middle than the nearest one by more than the diagonal.
 */
function candidates(
  ys: Float64Array,
  xs: Float64Array,
  top: number,
  left: number,
  squares: Float64Array,
): readonly number[] {
  let least = Infinity
  for (let i = 0; i < ys.length; i++) {
    const dy = ys[i]! - top - CELL / 2
    const dx = xs[i]! - left - CELL / 2
    const square = dy * dy + dx * dx
    squares[i] = square
    if (square < least) least = square
  }
  // The margin is far more than float32 errs, so that a near tie is left to `nearestOf`.
  const margin = 0.01
  const bound = (Math.sqrt(least) + CELL * Math.SQRT2 + margin) ** 2
  const list: number[] = []
  for (let i = 0; i < ys.length; i++) if (squares[i]! <= bound) list.push(i)
  return list
}
