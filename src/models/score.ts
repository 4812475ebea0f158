import type { ImageSet } from '../data/image_set.ts'
import { evalImages, type EvalOptions } from '../data/loader.ts'
import { saveCounts } from '../eval/counts_file.ts'
import { imageStatistics, totalCounts, type ImageStatistics } from '../eval/image_statistics.ts'
import { influence, standardError } from '../eval/influence.ts'
import { emptyCounts, panopticQuality, type Counts } from '../eval/pq.ts'
import { scoreScene } from '../eval/score_scene.ts'
import { onImage } from '../trial.ts'
import { decodePanoptic, headMaps, type DecodeOptions, type HeadMaps } from './decode.ts'
import type { Predictor } from './predictor.ts'
import { resizeMaps } from './resize_maps.ts'
import type { Trainer } from './trainer.ts'

/**
 * Panoptic quality in points, 0 to 100; NaN for things or stuff where the set has none. `pq_se` is the standard error of
 * `pq` over images, to first order: other images of their kind would move it about so far.
 */
export type Scores = Readonly<Record<'pq' | 'pq_se' | 'sq' | 'rq' | 'pq_things' | 'pq_stuff', number>>

/** Scores a network that is being trained; keeps what it opened for the next time. */
export interface Scorer {
  /** The scores of a set, and what each of its images adds to them, in the set's order. */
  score(set: ImageSet): Promise<{ readonly scores: Scores; readonly statistics: ImageStatistics }>
  /** What the network says about each image of a set, in the set's order, at the images' own sizes. */
  outputs(set: ImageSet): Promise<HeadMaps[]>
  close(): Promise<void>
}

/** `decodingOf` says how the outputs for an image of some size become segments; `shown` how images are shown. */
export function openScorer(
  trainer: Pick<Trainer, 'predictor'>,
  decodingOf: (height: number, width: number) => DecodeOptions,
  shown: Pick<EvalOptions, 'resize' | 'normalisation'> = {},
): Scorer {
  const predictors = new Map<string, Promise<Predictor>>()
  const predictorFor = (height: number, width: number, size: number) => {
    const key = `${size} of ${height} x ${width}`
    const predictor = predictors.get(key) ?? trainer.predictor(height, width, size)
    predictors.set(key, predictor)
    // What could not be opened need not be closed.
    predictor.catch(() => predictors.delete(key))
    return predictor
  }
  /** Shows the network every image; `visit` reads its maps before the next batch overwrites them. */
  const predictAll = async (set: ImageSet, visit: (index: number, maps: HeadMaps) => void) => {
    for (const { images, size, height, width, scenes, indices, shown: sizes } of evalImages(set, undefined, shown)) {
      const predictor = await predictorFor(height, width, size)
      const outputs = await predictor.predict(images, size)
      for (const [place, scene] of scenes.entries()) {
        const maps = headMaps(outputs, place, sizes[place]!.height, sizes[place]!.width)
        visit(indices[place]!, resizeMaps(maps, scene.height, scene.width))
      }
    }
  }
  return {
    async score(set) {
      const counts: Counts[] = set.scenes.map(() => emptyCounts(set.categories))
      await predictAll(set, (index, maps) => {
        const decoding = decodingOf(maps.height, maps.width)
        counts[index] = scoreScene(set, index, decodePanoptic(maps, set.categories, decoding))
      })
      const statistics = imageStatistics(counts, set.categories.length)
      return { scores: scoresOf(statistics, set), statistics }
    },
    async outputs(set) {
      const all: HeadMaps[] = []
      await predictAll(set, (index, { height, width, semantic, center, offset }) => {
        all[index] = { height, width, semantic: semantic.slice(), center: center.slice(), offset: offset.slice() }
      })
      return all
    },
    async close() {
      for (const predictor of predictors.values()) await (await predictor).close()
    },
  }
}

/** Keeps what each image adds to a score, so that two trials can be compared image by image. */
export function keepCounts(file: string, { id, categories, scenes }: ImageSet, statistics: ImageStatistics): void {
  const imageIds = scenes.map(({ imageId }) => imageId)
  saveCounts(file, { set: id, categories, imageIds, statistics })
}

/** The score of a set by what each of its images adds to it. */
export function scoresOf(statistics: ImageStatistics, { categories }: Pick<ImageSet, 'categories'>): Scores {
  const { All, Things, Stuff } = panopticQuality(totalCounts(statistics), categories)
  return {
    pq: percent(All.pq),
    pq_se: 100 * standardError(statistics),
    sq: percent(All.sq),
    rq: percent(All.rq),
    pq_things: percent(Things.pq),
    pq_stuff: percent(Stuff.pq),
  }
}

/** What each image says of `pq`. */
export type ImageScores = Readonly<Record<`pq@${number}`, number>>

/**
 * What each image says of `pq`, in points, to first order (Jaeckel's infinitesimal jackknife): their mean is `pq`, and where
 * an image is worse than the mean it has moved `pq` down.
 */
export function imageScores(statistics: ImageStatistics): ImageScores {
  const { pq, moves } = influence(statistics)
  return Object.fromEntries(
    Array.from(moves, (move, image) => [onImage('pq', image), 100 * (pq + moves.length * move)]),
  )
}

function percent(fraction: number | null): number {
  return fraction === null ? Number.NaN : 100 * fraction
}
