import type { Rng } from '../rng.ts'
import type { ImageSet, Scene } from './image_set.ts'

/** How training crops are drawn. */
export interface AugmentOptions {
  /** Rows and columns of every crop. Smaller images lie somewhere within it, on void. */
  readonly height: number
  readonly width: number
  /** Whether half of the crops are mirrored, left to right. Default true. */
  readonly flip?: boolean
  /** Least and greatest factor that images are resized by, alike in ratio. Default [1, 1]. */
  readonly scale?: readonly [number, number]
  /** Greatest change of brightness and of contrast, as a share of the full range. Default 0. */
  readonly light?: number
}

/** One way to look at a scene, as plain data: all chance is in it, and what is cut from it follows from it alone. */
export interface View {
  /** Size of the crop. */
  readonly height: number
  readonly width: number
  /** What the scene is resized by. */
  readonly scale: number
  /** First row and column of the crop in the resized scene; negative where padding comes first. */
  readonly top: number
  readonly left: number
  readonly isFlipped: boolean
  /** Factor around mid-grey, and what is added then, as a share of the full range. */
  readonly contrast: number
  readonly brightness: number
}

/** What makes a pixel's 0 to 255 a network's input, (x / 255 - mean) / deviation, by channel. */
export interface Normalisation {
  readonly mean: readonly [number, number, number]
  readonly deviation: readonly [number, number, number]
}

export const DEFAULT_NORMALISATION: Normalisation = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] }

type Size = Pick<Scene, 'height' | 'width'>

/** Draws a view of a scene. It takes six numbers whatever the options are: switching one off leaves the others alone. */
export function drawView(scene: Size, options: AugmentOptions, rng: Rng): View {
  const { height, width, flip = true, scale: range = [1, 1], light = 0 } = options
  const scale = range[0] * (range[1] / range[0]) ** rng.uniform()
  return {
    height,
    width,
    scale,
    top: drawStart(resized(scene.height, scale), height, rng),
    left: drawStart(resized(scene.width, scale), width, rng),
    isFlipped: rng.uniform() < 0.5 && flip,
    contrast: 1 + light * (2 * rng.uniform() - 1),
    brightness: 2 * light * rng.uniform() - light,
  }
}

/** The view of a whole scene, with padding below it and to its right. */
export function wholeView(height: number, width: number): View {
  return { height, width, scale: 1, top: 0, left: 0, isFlipped: false, contrast: 1, brightness: 0 }
}

/** Writes the labels that a view shows, height x width, over `out`; padding is void. A label keeps its scene's meaning. */
export function cutLabels(set: ImageSet, scene: Scene, view: View, out: Uint16Array): void {
  const rows = nearestSource(view.height, view.top, view.scale, scene.height, false)
  const columns = nearestSource(view.width, view.left, view.scale, scene.width, view.isFlipped)
  for (let y = 0, i = 0; y < view.height; y++) {
    const line = scene.at + rows[y]! * scene.width
    for (let x = 0; x < view.width; x++, i++) {
      const column = columns[x]!
      out[i] = rows[y]! < 0 || column < 0 ? 0 : set.labels[line + column]!
    }
  }
}

/** Writes the picture that a view shows, 3 x height x width and normalised, over `out`; padding is 0. */
export function cutImage(
  set: ImageSet,
  scene: Scene,
  view: View,
  normalisation: Normalisation,
  out: Float32Array,
): void {
  const table = inputsOf(view, normalisation)
  if (view.scale === 1) copyImage(set, scene, view, table, out)
  else resizeImage(set, scene, view, table, out)
}

/** Anywhere inside when the image is larger, anywhere around it when it is smaller. */
function drawStart(image: number, crop: number, rng: Rng): number {
  return Math.min(0, image - crop) + rng.below(Math.abs(image - crop) + 1)
}

function resized(length: number, scale: number): number {
  return Math.max(1, Math.round(length * scale))
}

/** Along one axis, the source pixel under the middle of each pixel of a crop; -1 where there is none. */
function nearestSource(crop: number, start: number, scale: number, length: number, isFlipped: boolean): Int32Array {
  const target = resized(length, scale)
  const source = new Int32Array(crop)
  for (let i = 0; i < crop; i++) {
    const at = start + i
    const isInside = at >= 0 && at < target
    source[isFlipped ? crop - 1 - i : i] = isInside ? Math.floor(((at + 0.5) * length) / target) : -1
  }
  return source
}

/** The network's input for each of the 256 values, channel after channel. */
function inputsOf({ contrast, brightness }: View, { mean, deviation }: Normalisation): Float32Array {
  const table = new Float32Array(3 * 256)
  for (let channel = 0; channel < 3; channel++) {
    for (let value = 0; value < 256; value++) {
      const lit = 0.5 + contrast * (value / 255 - 0.5) + brightness
      const clamped = Math.min(1, Math.max(0, lit))
      table[channel * 256 + value] = (clamped - mean[channel]!) / deviation[channel]!
    }
  }
  return table
}

function copyImage(set: ImageSet, scene: Scene, view: View, table: Float32Array, out: Float32Array): void {
  const rows = nearestSource(view.height, view.top, 1, scene.height, false)
  const columns = nearestSource(view.width, view.left, 1, scene.width, view.isFlipped)
  const plane = view.height * view.width
  const { pixels } = set
  for (let y = 0, i = 0; y < view.height; y++) {
    const line = scene.at + rows[y]! * scene.width
    for (let x = 0; x < view.width; x++, i++) {
      const isInside = rows[y]! >= 0 && columns[x]! >= 0
      const from = 3 * (line + columns[x]!)
      out[i] = isInside ? table[pixels[from]!]! : 0
      out[i + plane] = isInside ? table[256 + pixels[from + 1]!]! : 0
      out[i + 2 * plane] = isInside ? table[512 + pixels[from + 2]!]! : 0
    }
  }
}

/** Bilinear, with half-pixel centres and the border repeated; shrinking by more than a half would alias. */
function resizeImage(set: ImageSet, scene: Scene, view: View, table: Float32Array, out: Float32Array): void {
  const rows = linearSource(view.height, view.top, view.scale, scene.height, false)
  const columns = linearSource(view.width, view.left, view.scale, scene.width, view.isFlipped)
  const plane = view.height * view.width
  for (let channel = 0; channel < 3; channel++) {
    const input = (row: number, column: number) =>
      table[256 * channel + set.pixels[3 * (scene.at + row * scene.width + column) + channel]!]!
    for (let y = 0, i = channel * plane; y < view.height; y++) {
      const [top, bottom, down] = [rows.first[y]!, rows.second[y]!, rows.share[y]!]
      for (let x = 0; x < view.width; x++, i++) {
        const [left, right, across] = [columns.first[x]!, columns.second[x]!, columns.share[x]!]
        if (top < 0 || left < 0) out[i] = 0
        else {
          const above = input(top, left) + across * (input(top, right) - input(top, left))
          const below = input(bottom, left) + across * (input(bottom, right) - input(bottom, left))
          out[i] = above + down * (below - above)
        }
      }
    }
  }
}

/** Along one axis, the two source pixels around the middle of each pixel of a crop, -1 outside, and the second's share. */
function linearSource(crop: number, start: number, scale: number, length: number, isFlipped: boolean) {
  const target = resized(length, scale)
  const first = new Int32Array(crop).fill(-1)
  const second = new Int32Array(crop)
  const share = new Float32Array(crop)
  for (let i = 0; i < crop; i++) {
    const at = start + i
    if (at < 0 || at >= target) continue
    const place = isFlipped ? crop - 1 - i : i
    const position = Math.min(length - 1, Math.max(0, ((at + 0.5) * length) / target - 0.5))
    first[place] = Math.floor(position)
    second[place] = Math.min(length - 1, Math.floor(position) + 1)
    share[place] = position - Math.floor(position)
  }
  return { first, second, share }
}
