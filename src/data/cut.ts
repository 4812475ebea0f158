import type { View } from './augment.ts'
import { blendOf, nearestOf, type Blend } from './axis.ts'
import { developer, type Develop } from './develop.ts'
import type { ImageSet, Scene } from './image_set.ts'
import type { Normalisation } from './normalisation.ts'

/** Writes the labels that a view shows, height x width, over `out`; padding is void. A label keeps its scene's meaning. */
export function cutLabels(set: Pick<ImageSet, 'labels'>, scene: Scene, view: View, out: Uint16Array): void {
  const { rows, columns } = axesOf(scene, view)
  const [rowOf, columnOf] = [nearestOf(rows), nearestOf(columns)]
  for (let y = 0, i = 0; y < view.height; y++) {
    const line = scene.at + rowOf[y]! * scene.width
    for (let x = 0; x < view.width; x++, i++) {
      const column = columnOf[x]!
      out[i] = rowOf[y]! < 0 || column < 0 ? 0 : set.labels[line + column]!
    }
  }
}

/** Writes the picture that a view shows, 3 x height x width and normalised, over `out`; padding is 0. */
export function cutImage(
  set: Pick<ImageSet, 'pixels'>,
  scene: Scene,
  view: View,
  normalisation: Normalisation,
  out: Float32Array,
): void {
  const axes = axesOf(scene, view)
  const crop = { pixels: set.pixels, scene, view, rows: blendOf(axes.rows), columns: blendOf(axes.columns) }
  const develop = developer(view, normalisation)
  if (crop.rows.reach === 1 && crop.columns.reach === 1) copyImage(crop, develop, out)
  else blendImage(crop, develop, out)
}

function axesOf(scene: Scene, { height, width, top, left, scale, isFlipped }: View) {
  return {
    rows: { crop: height, start: top, scale, length: scene.height, isFlipped: false },
    columns: { crop: width, start: left, scale, length: scene.width, isFlipped },
  }
}

/** A picture to be cut. */
interface Crop {
  readonly pixels: Uint8Array
  readonly scene: Scene
  readonly view: View
  readonly rows: Blend
  readonly columns: Blend
}

/** Nothing is resized: pixels go straight to their places. */
function copyImage({ pixels, scene, view, rows, columns }: Crop, develop: Develop, out: Float32Array): void {
  const { height, width, isFlipped } = view
  const { from, to } = spanOf(columns)
  const left = columns.first.indexOf(from)
  out.fill(0)
  for (let y = 0; y < height; y++) {
    const row = rows.first[y]!
    const place = { at: y * width + left, step: isFlipped ? -1 : 1, plane: height * width } as const
    if (row >= 0) develop(pixels, scene.at + row * scene.width + from, to - from, out, place)
  }
}

/** Each row of the crop is a mean of lines, and each value of a line one of columns. */
function blendImage(crop: Crop, develop: Develop, out: Float32Array): void {
  const { height, width } = crop.view
  const { first, count, shares, reach } = crop.rows
  const lineOf = lineReader(crop, develop)
  out.fill(0)
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < count[y]!; k++) {
      const line = lineOf(first[y]! + k)
      const share = shares[y * reach + k]!
      for (let channel = 0, i = 0; channel < 3; channel++) {
        const row = (channel * height + y) * width
        for (let x = 0; x < width; x++, i++) out[row + x]! += share * line[i]!
      }
    }
  }
}

/**
 * Gives rows of the source as they lie along the crop's width, 3 x width. Two are kept, for a row of the crop and the next
 * share at most two; each is overwritten by the second after it.
 */
function lineReader({ pixels, scene, columns }: Crop, develop: Develop): (row: number) => Float32Array {
  const { from, to } = spanOf(columns)
  const developed = new Float32Array(3 * (to - from))
  const place = { at: 0, step: 1, plane: to - from } as const
  const lines = [0, 1].map(() => ({ row: -1, values: new Float32Array(3 * columns.first.length) }))
  return (row) => {
    const line = lines[row % 2]!
    if (line.row !== row) {
      develop(pixels, scene.at + row * scene.width + from, to - from, developed, place)
      blendLine(developed, from, columns, line.values)
      line.row = row
    }
    return line.values
  }
}

/** The columns of the source that a crop shows. */
function spanOf({ first, count }: Blend): { readonly from: number; readonly to: number } {
  let [from, to] = [Infinity, 0]
  for (let x = 0; x < first.length; x++) {
    if (first[x]! < 0) continue
    from = Math.min(from, first[x]!)
    to = Math.max(to, first[x]! + count[x]!)
  }
  return { from: Math.min(from, to), to }
}

function blendLine(source: Float32Array, from: number, { first, count, shares, reach }: Blend, line: Float32Array) {
  const [length, width] = [source.length / 3, first.length]
  for (let x = 0; x < width; x++) {
    const start = first[x]! - from
    const taps = count[x]!
    for (let channel = 0; channel < 3; channel++) {
      const at = channel * length + start
      let value = 0
      for (let k = 0; k < taps; k++) value += shares[x * reach + k]! * source[at + k]!
      line[channel * width + x] = value
    }
  }
}
