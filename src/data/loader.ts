import { shuffled, stream } from '../rng.ts'
import { cutImage, DEFAULT_NORMALISATION, wholeView, type Normalisation } from './augment.ts'
import type { ImageSet, Scene } from './image_set.ts'

/** One turn in training: a scene of the set, and how often all scenes had their turn before. */
export interface Turn {
  readonly epoch: number
  /** Index into the set's scenes. */
  readonly scene: number
}

/** Scenes without end: every epoch has each of them once, in an order of its own. */
export function* sceneTurns(scenes: readonly number[], seed: number): Generator<Turn, never> {
  for (let epoch = 0; ; epoch++) {
    for (const scene of shuffled(scenes, stream(seed, 'order', epoch))) yield { epoch, scene }
  }
}

/** Images to predict, padded below and to the right to a common size. */
export interface ImageBatch {
  /** Places in the batch. The last ones may be blank: all batches of one size have the same shape. */
  readonly size: number
  readonly height: number
  readonly width: number
  /** size x 3 x height x width, normalised; padding is 0. */
  readonly images: Float32Array
  /** The scenes in the first places: what a prediction has to be cut back to is their own height and width. */
  readonly scenes: readonly Scene[]
  /** Where those scenes stand in the set. */
  readonly indices: readonly number[]
}

export interface EvalOptions {
  /** Images at a time. Default 8, fewer where the set has fewer. */
  readonly size?: number
  /** Height and width of a batch are multiples of it. Default 16. */
  readonly multiple?: number
  readonly normalisation?: Normalisation
}

/**
 * Some scenes of a set, or all, ready to predict. Those of one padded size come together, in their order; there are as
 * many shapes as there are such sizes. A batch is overwritten by the next: read it before asking for that.
 */
export function* evalImages(
  set: ImageSet,
  indices: readonly number[] = [...set.scenes.keys()],
  { size = 8, multiple = 16, normalisation = DEFAULT_NORMALISATION }: EvalOptions = {},
): Generator<ImageBatch, void> {
  for (const { height, width, members } of bySize(set, indices, multiple)) {
    const places = Math.min(size, members.length)
    const images = new Float32Array(places * 3 * height * width)
    for (let from = 0; from < members.length; from += places) {
      const group = members.slice(from, from + places)
      for (const [n, { scene }] of group.entries()) {
        const out = images.subarray(n * 3 * height * width, (n + 1) * 3 * height * width)
        cutImage(set, scene, wholeView(height, width), normalisation, out)
      }
      images.fill(0, group.length * 3 * height * width)
      const shape = { size: places, height, width }
      yield { ...shape, images, scenes: group.map(({ scene }) => scene), indices: group.map(({ index }) => index) }
    }
  }
}

interface SizeGroup {
  readonly height: number
  readonly width: number
  readonly members: { readonly index: number; readonly scene: Scene }[]
}

function bySize(set: ImageSet, indices: readonly number[], multiple: number): Iterable<SizeGroup> {
  const groups = new Map<string, SizeGroup>()
  for (const index of indices) {
    const scene = set.scenes[index]
    if (!scene) throw new RangeError(`scene ${index} of a set of ${set.scenes.length}`)
    const [height, width] = [roundUp(scene.height, multiple), roundUp(scene.width, multiple)]
    const key = `${height}x${width}`
    const group = groups.get(key) ?? { height, width, members: [] }
    groups.set(key, group)
    group.members.push({ index, scene })
  }
  return groups.values()
}

function roundUp(length: number, multiple: number): number {
  return Math.ceil(length / multiple) * multiple
}
