import type { ImageSet } from '../data/image_set.ts'
import { imageStatistics } from '../eval/image_statistics.ts'
import { emptyCounts } from '../eval/pq.ts'
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
      const counts = set.scenes.map(({ height, width, segments: truth }, i) => {
        const options = typeof decoding === 'function' ? decoding(height, width) : decoding
        const { joint, segments } = decodeAggregate(aggregates[i]!, options, scratch)
        const own = emptyCounts(set.categories)
        countSegments(joint, truth, segments, own)
        return own
      })
      const statistics = imageStatistics(counts, set.categories.length)
      if (keep) keepCounts(countsFile(keep.dir, keep.name), set, statistics)
      return scoresOf(statistics, set)
    },
  }
}
