import type { Category, ImageSet, Scene } from '../data/image_set.ts'
import type { HeadMaps } from './decode.ts'

/** The heads that say the truth instead of what the network says. */
export interface Oracles {
  readonly semantic: boolean
  /** Where things are. Without it the classes say so. */
  readonly foreground: boolean
  readonly center: boolean
  readonly offset: boolean
}

/**
 * The outputs for a set with the ground truth swapped in for some heads: how much each of them has left to learn (table 2
 * of Cheng et al. 2019, "Panoptic-DeepLab", arXiv:1910.04751). Where the truth says nothing, on void and crowds, it swaps
 * in no class, and outside of things no offset.
 */
export function withOracles(set: ImageSet, outputs: readonly HeadMaps[], oracles: Oracles): HeadMaps[] {
  return set.scenes.map((scene, i) => {
    const { height, width } = scene
    const maps = outputs[i]!
    const truth = truthOf(set, scene, maps.offset)
    return {
      height,
      width,
      semantic: oracles.semantic ? truth.semantic : maps.semantic,
      center: oracles.center ? truth.center : maps.center,
      offset: oracles.offset ? truth.offset : maps.offset,
      ...(oracles.foreground ? { foreground: truth.foreground } : {}),
    }
  })
}

/** The heads as they would be without error; offsets are `offset` but in things. */
function truthOf({ categories, labels: all }: ImageSet, scene: Scene, offset: Float32Array): Required<HeadMaps> {
  const { at, height, width, segments } = scene
  const pixels = height * width
  const labels = all.subarray(at, at + pixels)
  const peaks = peaksOf(labels, scene, categories)
  const truth = {
    height,
    width,
    semantic: new Int32Array(pixels).fill(-1),
    center: new Float32Array(pixels),
    offset: offset.slice(),
    foreground: new Uint8Array(pixels),
  }
  for (const peak of peaks.values()) truth.center[peak] = 1
  for (const [i, label] of labels.entries()) {
    const segment = segments[label - 1]
    if (!segment || segment.isCrowd) continue
    truth.semantic[i] = segment.category
    const peak = peaks.get(label)
    if (peak === undefined) continue
    truth.foreground[i] = 1
    truth.offset[i] = Math.floor(peak / width) - Math.floor(i / width)
    truth.offset[i + pixels] = (peak % width) - (i % width)
  }
  return truth
}

/**
 * The pixel of each thing's centre of mass by label, or where that is another's already, its own nearest pixel: no two
 * things share one, so that what a decoder makes of the truth is the truth.
 */
function peaksOf(
  labels: Uint16Array,
  { width, segments }: Scene,
  categories: readonly Category[],
): Map<number, number> {
  const members = new Map<number, number[]>()
  for (const [i, label] of labels.entries()) {
    const segment = segments[label - 1]
    if (!segment || segment.isCrowd || !categories[segment.category]?.isThing) continue
    const own = members.get(label)
    if (own) own.push(i)
    else members.set(label, [i])
  }
  const taken = new Set<number>()
  const peaks = new Map<number, number>()
  for (const [label, own] of members) {
    const y = own.reduce((sum, i) => sum + Math.floor(i / width), 0) / own.length
    const x = own.reduce((sum, i) => sum + (i % width), 0) / own.length
    const middle = Math.round(y) * width + Math.round(x)
    const peak = taken.has(middle) ? nearestFree(own, y, x, width, taken) : middle
    taken.add(peak)
    peaks.set(label, peak)
  }
  return peaks
}

/** There is one unless centres of others cover all of the thing; then it shares one. */
function nearestFree(own: readonly number[], y: number, x: number, width: number, taken: ReadonlySet<number>): number {
  const distance = (i: number) => (Math.floor(i / width) - y) ** 2 + ((i % width) - x) ** 2
  const free = own.filter((i) => !taken.has(i))
  return (free.length > 0 ? free : own).reduce((best, i) => (distance(i) < distance(best) ? i : best))
}
