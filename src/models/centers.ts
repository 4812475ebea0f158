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
  const threshold = leastHeat(options.threshold)
  const centers: Center[] = []
  const pixels = height * width
  for (let i = nextAbove(heat, 0, pixels, threshold); i < pixels; i = nextAbove(heat, i + 1, pixels, threshold)) {
    const y = Math.floor(i / width)
    const x = i - y * width
    if (isPeak(heat, height, width, y, x, reach)) centers.push({ y, x, score: heat[i]! })
  }
  return topCenters(centers, topK)
}

/**
 * What the heat of a centre has to exceed. The maps are float32, so is the threshold there. Suppressed pixels count as 0:
 * heat below it is never a centre.
 */
export function leastHeat(threshold: number): number {
  return Math.max(0, Math.fround(threshold))
}

/** Where there are `topK` centres or more, those above the `topK`-th score. */
function topCenters(centers: Center[], topK: number): Center[] {
  if (centers.length < topK) return centers
  const kth = Float64Array.from(centers, ({ score }) => score).toSorted()[centers.length - topK]!
  return centers.filter(({ score }) => score > kth)
}

/** The first place from `i` on whose heat is above the threshold, or `end`. Most of a map is cold: eight at a time. */
function nextAbove(heat: Float32Array, i: number, end: number, threshold: number): number {
  for (; i + 8 <= end; i += 8) {
    if (
      heat[i]! > threshold ||
      heat[i + 1]! > threshold ||
      heat[i + 2]! > threshold ||
      heat[i + 3]! > threshold ||
      heat[i + 4]! > threshold ||
      heat[i + 5]! > threshold ||
      heat[i + 6]! > threshold ||
      heat[i + 7]! > threshold
    ) {
      break
    }
  }
  while (i < end && !(heat[i]! > threshold)) i++
  return i
}

/** Whether no pixel of the window is higher. `!(a <= b)` instead of `a > b`: beside a NaN nothing is a peak, as in torch. */
export function isPeak(
  heat: Float32Array,
  height: number,
  width: number,
  y: number,
  x: number,
  reach: number,
): boolean {
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
