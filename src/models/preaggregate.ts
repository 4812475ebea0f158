import type { Category } from '../data/image_set.ts'
import { sortIntoCells, type Cells } from './cells.ts'
import type { HeadMaps } from './decode.ts'
import { pixelKeys, STUFF, THING } from './group_pixels.ts'
import { allPeaks, type Kernels, type Peaks } from './peaks.ts'

/**
 * All that post-processing of one image needs to know of it to be scored with any threshold, window, number of centres
 * and stuff area. Those move no offset: thing pixels are counted by where their offsets lead, and a whole cell goes to the
 * centre that is nearest to all of it. Only pixels on a border between centres are ever looked at one by one.
 *
 * A key is row x classes + class; rows are those of the joint histogram: void, the ground truth's segments, all else.
 */
export interface Aggregate {
  readonly classes: number
  readonly rows: number
  readonly peaks: Peaks
  /** The thing pixels. */
  readonly cells: Cells
  /** By key: stuff pixels. */
  readonly stuff: Uint32Array
  /** By key: thing pixels. Without a centre they are what their class says. */
  readonly things: Uint32Array
  /** By row: all its pixels. */
  readonly totals: Uint32Array
  /** By class, 1 for stuff. */
  readonly isStuff: Uint8Array
}

/** `truth` is height x width labels, those above `segments` being none. */
export function preaggregate(
  maps: HeadMaps,
  truth: Uint16Array,
  segments: number,
  categories: readonly Category[],
  kernels: Kernels = { least: 3, most: 41 },
): Aggregate {
  const { height, width, center, offset } = maps
  const classes = categories.length
  const rows = segments + 2
  const pixels = height * width
  const { keys: pixelKey, roles } = pixelKeys(maps, categories, true)
  const stuff = new Uint32Array(rows * classes)
  const things = new Uint32Array(rows * classes)
  const totals = new Uint32Array(rows)
  const [ys, xs, keys] = [new Float32Array(pixels), new Float32Array(pixels), new Uint32Array(pixels)]
  let count = 0
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const row = Math.min(truth[i]!, rows - 1)
      const role = roles[pixelKey[i]! + 1]!
      const key = row * classes + (pixelKey[i]! % classes)
      totals[row]! += 1
      if (role === STUFF) stuff[key]! += 1
      else if (role === THING) {
        things[key]! += 1
        // Stored as float32, which is how detectron2 adds.
        ys[count] = y + offset[i]!
        xs[count] = x + offset[i + pixels]!
        keys[count++] = key
      }
    }
  }
  return {
    classes,
    rows,
    peaks: allPeaks(center, height, width, kernels),
    cells: sortIntoCells(
      ys.subarray(0, count),
      xs.subarray(0, count),
      keys.subarray(0, count),
      height,
      width,
      rows * classes,
    ),
    stuff,
    things,
    totals,
    isStuff: Uint8Array.from(categories, ({ isThing }) => (isThing ? 0 : 1)),
  }
}
