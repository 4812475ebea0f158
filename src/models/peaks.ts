import { TuneError } from '../errors.ts'
import { isPeak } from './centers.ts'

/** Windows that centres may be asked for, as sides in pixels: odd. */
export interface Kernels {
  readonly least: number
  readonly most: number
}

/** The local maxima of a heat map, the highest first, and how large a window each of them is the highest in. */
export interface Peaks {
  readonly kernels: Kernels
  readonly ys: Uint32Array
  readonly xs: Uint32Array
  /** The heat there, above 0. */
  readonly scores: Float32Array
  /** Side of the largest window, up to the most that may be asked for. */
  readonly windows: Uint32Array
}

/**
 * All peaks of a heat map (height x width) for a range of windows at once: a pixel is a peak of a window exactly where it
 * is one of the largest window that nothing in it is higher than. So a change of `nmsKernel` needs no heat map.
 */
export function allPeaks(heat: Float32Array, height: number, width: number, kernels: Kernels): Peaks {
  const { least, most } = kernels
  if (!(least >= 1 && least % 2 === 1 && most >= least && most % 2 === 1)) {
    throw new TuneError('params/invalid', `windows of ${least} to ${most} pixels: both must be odd, the lesser first`)
  }
  const found: { y: number; x: number; score: number; window: number }[] = []
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (!(heat[i]! > 0)) continue
      if (!isPeak(heat, height, width, y, x, (least - 1) / 2)) continue
      found.push({ y, x, score: heat[i]!, window: 2 * reachOf(heat, height, width, y, x, (most - 1) / 2) + 1 })
    }
  }
  // Equals stay in the order of their places.
  found.sort((a, b) => b.score - a.score)
  return {
    kernels,
    ys: Uint32Array.from(found, ({ y }) => y),
    xs: Uint32Array.from(found, ({ x }) => x),
    scores: Float32Array.from(found, ({ score }) => score),
    windows: Uint32Array.from(found, ({ window }) => window),
  }
}

/** The distance, in pixels along the farther axis, within which nothing is higher; at most `most`. */
function reachOf(heat: Float32Array, height: number, width: number, y: number, x: number, most: number): number {
  const score = heat[y * width + x]!
  for (let reach = 1; reach <= most; reach++) {
    const left = Math.max(0, x - reach)
    const right = Math.min(width - 1, x + reach)
    const top = Math.max(0, y - reach)
    const bottom = Math.min(height - 1, y + reach)
    const isLower =
      (y < reach || lineIsLower(heat, top * width + left, top * width + right, 1, score)) &&
      (y + reach >= height || lineIsLower(heat, bottom * width + left, bottom * width + right, 1, score)) &&
      (x < reach || lineIsLower(heat, top * width + left, bottom * width + left, width, score)) &&
      (x + reach >= width || lineIsLower(heat, top * width + right, bottom * width + right, width, score))
    if (!isLower) return reach - 1
  }
  return most
}

/** Whether no place of a row or column is higher. `!(a <= b)` instead of `a > b`: beside a NaN nothing is a peak. */
function lineIsLower(heat: Float32Array, from: number, to: number, step: number, score: number): boolean {
  for (let i = from; i <= to; i += step) if (!(heat[i]! <= score)) return false
  return true
}
