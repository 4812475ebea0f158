import type { ImageSet } from '../data/image_set.ts'
import { emptyCounts, type Counts } from '../eval/pq.ts'
import { countSegments } from '../eval/segments.ts'
import { decodeAggregate, newScratch } from './decode_aggregate.ts'
import type { DecodeOptions, HeadMaps } from './decode.ts'
import type { Kernels } from './peaks.ts'
import { preaggregate, type Aggregate } from './preaggregate.ts'
import { keepCounts, scoresOf, type Scores } from './score.ts'
import { countsFile } from './train.ts'

/** Scores the outputs of a network on one set with any post-processing, exactly, in microseconds an image. */
export interface PostprocessingScorer {
  /**
   * Panoptic quality in points. `decoding` may depend on an image's size. With a place, the counts of each image are kept
   * there under a name, so that two trials can be compared image by image.
   */
  score(
    decoding: DecodeOptions | ((height: number, width: number) => DecodeOptions),
    keep?: { readonly dir: string; readonly name: string },
  ): Scores
}

/** Gathers all that the choices of post-processing need to know of some outputs, and of the ground truth under them. */
export function openPostprocessing(
  set: ImageSet,
  outputs: readonly HeadMaps[],
  kernels?: Kernels,
): PostprocessingScorer {
  const aggregates = set.scenes.map(({ at, height, width, segments }, i): Aggregate => {
    const truth = set.labels.subarray(at, at + height * width)
    return preaggregate(outputs[i]!, truth, segments.length, set.categories, kernels)
  })
  const scratch = newScratch()
  return {
    score(decoding, keep) {
      const sum = emptyCounts(set.categories)
      const counts: Counts[] = []
      let own = emptyCounts(set.categories)
      for (const [i, { height, width, segments: truth }] of set.scenes.entries()) {
        const options = typeof decoding === 'function' ? decoding(height, width) : decoding
        const { joint, segments } = decodeAggregate(aggregates[i]!, options, scratch)
        countSegments(joint, truth, segments, own)
        addTo(sum, own)
        if (keep) counts.push(own)
        if (keep) own = emptyCounts(set.categories)
        else clear(own)
      }
      if (keep) keepCounts(countsFile(keep.dir, keep.name), set, counts)
      return scoresOf([sum], set)
    },
  }
}

/** `merge` into the first, image by image as `scoresOf` would. */
function addTo(sum: Counts, own: Counts): void {
  for (let category = 0; category < sum.tp.length; category++) {
    sum.iou[category]! += own.iou[category]!
    sum.tp[category]! += own.tp[category]!
    sum.fp[category]! += own.fp[category]!
    sum.fn[category]! += own.fn[category]!
  }
}

function clear({ iou, tp, fp, fn }: Counts): void {
  for (const values of [iou, tp, fp, fn]) values.fill(0)
}
