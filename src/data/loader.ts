import { resized, wholeView } from './augment.ts'
import { cutImage } from './cut.ts'
import type { ImageSet, Scene } from './image_set.ts'
import { DEFAULT_NORMALISATION, normalisationFor } from './normalisation.ts'
import type { DomainNormalisation, Normalisation } from './normalisation.ts'

/** Images to predict, padded below and to the right to a common size. */
export interface ImageBatch {
  /** Places in the batch. The last ones may be blank: all batches of one size have the same shape. */
  readonly size: number
  readonly height: number
  readonly width: number
  /** size x 3 x height x width, normalised; padding is 0. */
  readonly images: Float32Array
  /** The scenes in the first places. */
  readonly scenes: readonly Scene[]
  /** What a prediction has to be cut back to: the size of each scene as it is shown, its own unless it was resized. */
  readonly shown: readonly Size[]
  /** Where those scenes stand in the set. */
  readonly indices: readonly number[]
}

export interface EvalOptions {
  /** Images at a time. Default 8, fewer where the set has fewer. */
  readonly size?: number
  /** Height and width of a batch are multiples of it. Default 16. */
  readonly multiple?: number
  /** Default: every image as large as it is. */
  readonly resize?: Resize
  readonly normalisation?: Normalisation | DomainNormalisation
}

/** The size that images are shown at. */
export interface Resize {
  /** Pixels of the shorter side. */
  readonly short: number
  /** Most pixels of the longer side: the shorter one gets shorter where it has to. Default: any number. */
  readonly long?: number
}

export interface Size {
  readonly height: number
  readonly width: number
}

/** What an image is resized by, alike in ratio: detectron2's ResizeShortestEdge. */
export function resizeFactor({ height, width }: Size, { short, long = Infinity }: Resize): number {
  return Math.min(short / Math.min(height, width), long / Math.max(height, width))
}

/**
 * Some scenes of a set, or all, ready to predict. Those of one padded size come together, in their order; there are as
 * many shapes as there are such sizes. A batch is overwritten by the next: read it before asking for that.
 */
export function* evalImages(
  set: ImageSet,
  indices: readonly number[] = [...set.scenes.keys()],
  options: EvalOptions = {},
): Generator<ImageBatch, void> {
  const { size = 8, normalisation = DEFAULT_NORMALISATION } = options
  for (const { height, width, members } of bySize(set, indices, options)) {
    const places = Math.min(size, members.length)
    const images = new Float32Array(places * 3 * height * width)
    for (let from = 0; from < members.length; from += places) {
      const group = members.slice(from, from + places)
      for (const [n, { scene, scale }] of group.entries()) {
        const out = images.subarray(n * 3 * height * width, (n + 1) * 3 * height * width)
        cutImage(set, scene, wholeView(height, width, scale), normalisationFor(scene, normalisation), out)
      }
      images.fill(0, group.length * 3 * height * width)
      yield {
        size: places,
        height,
        width,
        images,
        scenes: group.map(({ scene }) => scene),
        shown: group.map(({ shown }) => shown),
        indices: group.map(({ index }) => index),
      }
    }
  }
}

interface SizeGroup extends Size {
  readonly members: Member[]
}

interface Member {
  readonly index: number
  readonly scene: Scene
  readonly scale: number
  readonly shown: Size
}

function bySize(
  set: ImageSet,
  indices: readonly number[],
  { multiple = 16, resize }: EvalOptions,
): Iterable<SizeGroup> {
  const groups = new Map<string, SizeGroup>()
  for (const index of indices) {
    const scene = set.scenes[index]
    if (!scene) throw new RangeError(`scene ${index} of a set of ${set.scenes.length}`)
    const scale = resize ? resizeFactor(scene, resize) : 1
    const shown = { height: resized(scene.height, scale), width: resized(scene.width, scale) }
    const [height, width] = [roundUp(shown.height, multiple), roundUp(shown.width, multiple)]
    const key = `${height}x${width}`
    const group = groups.get(key) ?? { height, width, members: [] }
    groups.set(key, group)
    group.members.push({ index, scene, scale, shown })
  }
  return groups.values()
}

function roundUp(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple
}
