import type { Category } from '../../src/data/image_set.ts'
import { imageStatistics, type ImageStatistics } from '../../src/eval/image_statistics.ts'
import type { Rng } from '../../src/rng.ts'
import { stream } from '../../src/rng.ts'

export interface World {
  readonly images: number
  readonly classes: number
  /** Least segments of an image; on average there are twice as many. */
  readonly segments: number
  /** How fast classes become rare: the k-th is (1 + k)^-tail times as frequent as the first. */
  readonly tail: number
  /** How much classes, images and segments differ in how hard they are, as standard deviations. Default [0.6, 0.5, 0.8]. */
  readonly spread?: readonly [number, number, number]
  /** Classes and images are either easy or hard, with nothing between. Default: normal. */
  readonly isBimodal?: boolean
  /** Share of the segments that are of the same class as the one before, as in a crowd. Default 0. */
  readonly crowding?: number
  readonly seed: number
}

/**
 * Results of several configurations on the same simulated images: images and classes differ in how hard they are, a
 * segment is as hard for every configuration but for some noise of its own, and a missed one is often a wrong one, too.
 * Drawing data sets from them with replacement gives data sets whose truth is known: the PQ of the whole world.
 */
export function simulate(
  { images, classes, segments, tail, spread = [0.6, 0.5, 0.8], isBimodal = false, crowding = 0, seed }: World,
  strengths: readonly number[],
): readonly ImageStatistics[] {
  const rng = stream(seed, 'world')
  const pick = classPicker(classes, tail, rng)
  const [classSpread, imageSpread, segmentSpread] = spread
  const either = () => (isBimodal ? Math.sign(rng.normal()) : rng.normal())
  const easeOf = Array.from({ length: classes }, () => classSpread * either())
  const scenes = Array.from({ length: images }, () => {
    const ease = imageSpread * either()
    let category = pick()
    return Array.from({ length: segments + rng.below(2 * segments) }, (_, i) => {
      if (i > 0 && rng.uniform() >= crowding) category = pick()
      return { category, ease: ease + easeOf[category]! + segmentSpread * rng.normal() }
    })
  })
  return strengths.map((strength) => {
    const images = scenes.map((scene) => {
      const zeros = () => new Float64Array(classes)
      const counts = { iou: zeros(), tp: zeros(), fp: zeros(), fn: zeros() }
      for (const { category, ease } of scene) {
        const score = ease + strength + 0.5 * rng.normal()
        if (score > -0.2) {
          counts.tp[category]! += 1
          counts.iou[category]! += 0.55 + 0.4 / (1 + Math.exp(-score))
        } else {
          counts.fn[category]! += 1
          if (rng.uniform() < 0.6) counts.fp[rng.uniform() < 0.8 ? category : pick()]! += 1
        }
        if (rng.uniform() < 0.08) counts.fp[pick()]! += 1
      }
      return counts
    })
    return imageStatistics(images, classes)
  })
}

/** Half of the classes are things. */
export function simulatedCategories(classes: number): readonly Category[] {
  return Array.from({ length: classes }, (_, id) => ({ id, name: `class ${id}`, isThing: id % 2 === 0 }))
}

function classPicker(classes: number, tail: number, rng: Rng): () => number {
  let total = 0
  const sums = Array.from({ length: classes }, (_, k) => (total += (1 + k) ** -tail))
  return () => {
    const at = rng.uniform() * total
    let [low, high] = [0, classes - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < at) low = middle + 1
      else high = middle
    }
    return low
  }
}
