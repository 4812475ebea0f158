import type { Category } from '../data/image_set.ts'
import { TuneError } from '../errors.ts'
import type { Prediction } from '../eval/score_scene.ts'
import type { HeadOutputs } from './batch.ts'
import { findCenters, type Center } from './centers.ts'
import { groupPixels } from './group_pixels.ts'

/** What the heads say about one image, at its own size. */
export interface HeadMaps {
  readonly height: number
  readonly width: number
  /** height x width class indices; -1 becomes void. */
  readonly semantic: Int32Array
  /** height x width heat map. */
  readonly center: Float32Array
  /** 2 x height x width: (dy, dx) from a pixel to its centre, in pixels. */
  readonly offset: Float32Array
  /** height x width, not 0 where things are. Default: where the class is a thing's. */
  readonly foreground?: Uint8Array
}

/** How maps become segments. The defaults are detectron2's, for images of about 1024 x 2048 (`scaledDecoding`). */
export interface DecodeOptions {
  /** Heat at or below it is no centre. Default 0.1. */
  readonly threshold?: number
  /** Side of the window, in pixels, in which a centre must be the highest; odd. Default 7. */
  readonly nmsKernel?: number
  /** Fewer centres than this are kept. Default 200. */
  readonly topK?: number
  /** Stuff of fewer pixels becomes void. Default 2048. */
  readonly stuffArea?: number
  /** An id is class x divisor + instance. Default 1000. */
  readonly labelDivisor?: number
}

interface SegmentBase {
  /** class x labelDivisor + instance, which counts from 1 within its class and is 0 for stuff. */
  readonly id: number
  /** Index into the categories. */
  readonly category: number
  /** In pixels; never 0. */
  readonly area: number
}

/** A segment that was found. */
type FoundSegment =
  | (SegmentBase & {
      readonly isThing: true
      /** The heat at its centre. */ readonly score: number
      readonly center: Center
    })
  | (SegmentBase & { readonly isThing: false })

/** A panoptic segmentation as it was predicted: height x width `labels`, and what they stand for. */
export interface Panoptic extends Prediction {
  readonly height: number
  readonly width: number
  /** Things in the order of their centres, row by row, then stuff by class. */
  readonly segments: readonly FoundSegment[]
}

/**
 * Decode options in proportion to what is seen: a window of 0.55 of an instance's side (`instanceSide`), by default a
 * fifth of the image's short side, and stuff of at least 1 % of the pixels. The window is 7 at 64 x 64. A window in
 * proportion to the image alone would swallow neighbours where small instances lie in a large image.
 */
export function scaledDecoding(
  height: number,
  width: number,
  instanceSide: number = Math.min(height, width) / 5,
): Required<Pick<DecodeOptions, 'nmsKernel' | 'stuffArea'>> {
  const reach = Math.max(1, Math.round((0.55 * instanceSide - 1) / 2))
  return { nmsKernel: 2 * reach + 1, stuffArea: Math.round(0.01 * height * width) }
}

/**
 * Panoptic-DeepLab's post-processing, pixel for pixel as detectron2's `get_panoptic_segmentation`: thing pixels vote for
 * the nearest centre and each instance takes the class of most of its pixels, the lowest class on a tie. Without centres
 * things stay void, and so does stuff below `stuffArea`.
 */
export function decodePanoptic(maps: HeadMaps, categories: readonly Category[], options: DecodeOptions = {}): Panoptic {
  const { threshold, nmsKernel, topK, stuffArea, labelDivisor } = decodeDefaults(options)
  const { height, width } = maps
  const centers = findCenters(maps.center, height, width, { threshold, nmsKernel, topK })
  const { groups, votes, stuff } = groupPixels(maps, centers, categories)

  const segments: FoundSegment[] = []
  const labelOf = new Uint16Array(1 + categories.length + centers.length)
  const counters = new Uint32Array(categories.length)
  for (const [i, center] of centers.entries()) {
    const tally = votes.subarray(i * categories.length, (i + 1) * categories.length)
    const area = tally.reduce((sum, count) => sum + count, 0)
    if (area === 0) continue
    const category = tally.indexOf(Math.max(...tally))
    counters[category]! += 1
    const id = category * labelDivisor + counters[category]!
    const label = segments.push({ id, category, area, isThing: true, score: center.score, center })
    labelOf[1 + categories.length + i] = label
  }
  for (const [category, area] of stuff.entries()) {
    if (area === 0 || area < stuffArea) continue
    labelOf[1 + category] = segments.push({ id: category * labelDivisor, category, area, isThing: false })
  }
  for (let i = 0; i < groups.length; i++) groups[i] = labelOf[groups[i]!]!
  return { height, width, labels: groups, segments }
}

/** The segmentations of a batch of images, whose own sizes may be smaller than what the network was shown. */
export function decodeBatch(
  outputs: HeadOutputs,
  images: readonly { readonly height: number; readonly width: number }[],
  categories: readonly Category[],
  options: DecodeOptions = {},
): Panoptic[] {
  return images.map((image, n) => decodePanoptic(headMaps(outputs, n, image.height, image.width), categories, options))
}

/** The maps of one image of a batch, without the padding below and to the right of it; views where there is none. */
export function headMaps(outputs: HeadOutputs, n: number, height: number, width: number): HeadMaps {
  const pixels = outputs.height * outputs.width
  const semantic = outputs.semantic.subarray(n * pixels, (n + 1) * pixels)
  const center = outputs.center.subarray(n * pixels, (n + 1) * pixels)
  const offset = outputs.offset.subarray(2 * n * pixels, 2 * (n + 1) * pixels)
  if (height === outputs.height && width === outputs.width) return { height, width, semantic, center, offset }

  const cut = <T extends Int32Array | Float32Array>(planes: T, into: T): T => {
    for (let row = 0; row < into.length / width; row++) {
      const plane = Math.floor(row / height)
      const from = plane * pixels + (row % height) * outputs.width
      into.set(planes.subarray(from, from + width), row * width)
    }
    return into
  }
  return {
    height,
    width,
    semantic: cut(semantic, new Int32Array(height * width)),
    center: cut(center, new Float32Array(height * width)),
    offset: cut(offset, new Float32Array(2 * height * width)),
  }
}

/** The map of ids that detectron2 gives: class x divisor + instance, -1 where void. */
export function panopticIds({ labels, segments }: Panoptic): Int32Array {
  const ids = Int32Array.of(-1, ...segments.map((segment) => segment.id))
  return Int32Array.from(labels, (label) => ids[label]!)
}

/** Checked, and with what is not given. */
export function decodeDefaults(options: DecodeOptions): Required<DecodeOptions> {
  const full = { threshold: 0.1, nmsKernel: 7, topK: 200, stuffArea: 2048, labelDivisor: 1000, ...options }
  const { nmsKernel, topK, labelDivisor } = full
  if (!(Number.isInteger(nmsKernel) && nmsKernel > 0 && nmsKernel % 2 === 1)) {
    throw new TuneError('params/invalid', `nmsKernel is ${nmsKernel}, must be an odd whole number`)
  }
  if (!(Number.isInteger(topK) && topK > 0))
    throw new TuneError('params/invalid', `topK is ${topK}, must be a whole number of 1 or more`)
  if (!(labelDivisor >= topK)) {
    throw new TuneError(
      'params/invalid',
      `labelDivisor is ${labelDivisor}, less than topK (${topK}): ids of two classes could be the same`,
    )
  }
  return full
}
