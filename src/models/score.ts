import type { ImageSet } from '../data/image_set.ts'
import { evalImages } from '../data/loader.ts'
import { emptyCounts, merge, panopticQuality, type Counts } from '../eval/pq.ts'
import { scoreScene } from '../eval/score_scene.ts'
import { decodePanoptic, headMaps, type DecodeOptions } from './decode.ts'
import type { Predictor } from './predictor.ts'
import type { Trainer } from './trainer.ts'

/** Panoptic quality in points, 0 to 100; NaN for things or stuff where the set has none. */
export type Scores = Readonly<Record<'pq' | 'sq' | 'rq' | 'pq_things' | 'pq_stuff', number>>

/** Scores a network that is being trained; keeps what it opened for the next time. */
export interface Scorer {
  /** The scores of a set, and what each of its images adds to them, in the set's order. */
  score(set: ImageSet): Promise<{ readonly scores: Scores; readonly counts: readonly Counts[] }>
  close(): Promise<void>
}

/** `decodingOf` says how the outputs for an image of some size become segments. */
export function openScorer(
  trainer: Pick<Trainer, 'predictor'>,
  decodingOf: (height: number, width: number) => DecodeOptions,
): Scorer {
  const predictors = new Map<string, Promise<Predictor>>()
  const predictorFor = (height: number, width: number, size: number) => {
    const key = `${size} of ${height} x ${width}`
    const predictor = predictors.get(key) ?? trainer.predictor(height, width, size)
    predictors.set(key, predictor)
    return predictor
  }
  return {
    async score(set) {
      const counts: Counts[] = set.scenes.map(() => emptyCounts(set.categories))
      for (const { images, size, height, width, scenes, indices } of evalImages(set)) {
        const predictor = await predictorFor(height, width, size)
        const outputs = await predictor.predict(images, size)
        for (const [place, scene] of scenes.entries()) {
          const maps = headMaps(outputs, place, scene.height, scene.width)
          const index = indices[place]!
          const decoding = decodingOf(scene.height, scene.width)
          counts[index] = scoreScene(set, index, decodePanoptic(maps, set.categories, decoding))
        }
      }
      const all = counts.reduce(merge, emptyCounts(set.categories))
      return { scores: points(panopticQuality(all, set.categories)), counts }
    },
    async close() {
      for (const predictor of predictors.values()) await (await predictor).close()
    },
  }
}

function points({ All, Things, Stuff }: ReturnType<typeof panopticQuality>): Scores {
  return {
    pq: percent(All.pq),
    sq: percent(All.sq),
    rq: percent(All.rq),
    pq_things: percent(Things.pq),
    pq_stuff: percent(Stuff.pq),
  }
}

function percent(fraction: number | null): number {
  return fraction === null ? Number.NaN : 100 * fraction
}
