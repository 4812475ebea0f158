import type { Category, ImageSet, Segment } from '../data/image_set.ts'
import { fingerprint } from '../json.ts'
import { EVAL_SET_VERSION } from './eval_set_header.ts'
import { layOut, viewEvalSet } from './eval_set_layout.ts'
import { runsOfLabels } from './joint.ts'
import type { RunMap } from './run_map.ts'

/** A segment of a ground truth. */
export interface EvalSegment extends Segment {
  /** What the PNG shows; `area` is what the JSON says, and what panopticapi trusts. */
  readonly areaPixels: number
  /** Left, top, width and height in pixels; zeros where it has none. */
  readonly bbox: readonly [number, number, number, number]
}

/** The ground truth of an image. */
export interface EvalImage {
  readonly imageId: number | string
  /** The label PNG, or the photograph of an `ImageSet`: a name for messages. */
  readonly file: string
  readonly width: number
  readonly height: number
  /** In the order of the JSON. */
  readonly segments: readonly EvalSegment[]
  /** 0 is void, n is `segments[n - 1]`, `segments.length + 1` a pixel whose segment is not listed. */
  readonly runs: RunMap
}

/** Ground truth for scoring, without photographs, in one piece of memory that all workers share. */
export interface EvalSet {
  /** Hash of all that it was made from. */
  readonly id: string
  readonly categories: readonly Category[]
  readonly images: readonly EvalImage[]
  /** All of it, as its cache file holds it: `viewEvalSet` makes the set of it again in another thread. */
  readonly memory: SharedArrayBuffer
}

/** The ground truth of a set of photographs; made once a set. */
export function evalSetOf(set: ImageSet): EvalSet {
  const known = madeOf.get(set)
  if (known) return known
  const images = set.scenes.map(({ imageId, file, width, height, at, segments }) => {
    const labels = set.labels.subarray(at, at + width * height)
    return { imageId, file, segments, runs: runsOfLabels(labels, { width, height, levels: segments.length + 2 }) }
  })
  const id = fingerprint({ version: EVAL_SET_VERSION, imageSet: set.id })
  const made = viewEvalSet(layOut({ id, categories: set.categories, images }))
  madeOf.set(set, made)
  return made
}

/** A set never changes, so what is made of it holds as long as it does. */
const madeOf = new WeakMap<ImageSet, EvalSet>()
