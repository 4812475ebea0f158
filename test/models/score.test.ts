import { describe, expect, test } from 'vitest'
import type { Category } from '../../src/data/image_set.ts'
import { imageStatistics, totalCounts } from '../../src/eval/image_statistics.ts'
import type { Counts } from '../../src/eval/pq.ts'
import { imageScores, openScorer, scoresOf, type ImageScores, type Scores } from '../../src/models/score.ts'
import { stream } from '../../src/rng.ts'
import { defineStudy, maximize } from '../../src/study.ts'
import { drawnSet } from '../data/drawn_set.ts'

const categories: readonly Category[] = [1, 2, 3].map((id) => ({ id, name: `class ${id}`, isThing: id > 1 })) // prettier-ignore

/** What an image of a quality of 0 to 1 adds: of five segments of each class so many are matched, so well. */
function image(quality: number, seed: number): Counts {
  const rng = stream(seed, 'image')
  const tp = categories.map(() => 1 + rng.below(4))
  const arrays = (values: readonly number[]) => Float64Array.from(values)
  return {
    iou: arrays(tp.map((matched) => matched * (0.5 + 0.5 * quality))),
    tp: arrays(tp),
    fp: arrays(tp.map((matched) => 5 - matched)),
    fn: arrays(tp.map((matched) => 5 - matched)),
  }
}

describe('what each image says of pq', () => {
  const qualities = Array.from({ length: 20 }, (_, i) => i / 20)
  const statistics = imageStatistics(qualities.map(image))
  const named = imageScores(statistics)

  test('is pq on the mean', () => {
    const { pq } = scoresOf(statistics, { categories })
    const values = qualities.map((_, i) => named[`pq@${i}`] ?? Number.NaN)
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(pq, 9)
    expect(totalCounts(statistics).tp.length).toBe(3)
  })

  test('is more where an image is better, all else equal', () => {
    const alike = imageScores(imageStatistics([0.2, 0.5, 0.9].map((quality) => image(quality, 1))))
    expect(alike['pq@0']).toBeLessThan(alike['pq@1']!)
    expect(alike['pq@1']).toBeLessThan(alike['pq@2']!)
  })

  test('may be reported beside the goal, and is none', () => {
    const objective = async function* (): AsyncGenerator<Scores & ImageScores> {
      yield { ...scoresOf(statistics, { categories }), ...named }
    }
    const study = { name: 'images', space: {}, budget: { trials: 1, steps: 1 }, objective }
    expect(defineStudy({ ...study, goal: maximize('pq') }).goals[0]?.metric).toBe('pq')
    // @ts-expect-error -- one image is no goal
    expect(defineStudy({ ...study, goal: maximize('pq@3') }).name).toBe('images')
  })
})

test('a scorer whose network cannot be opened says so, and closes all the same', async () => {
  const set = drawnSet([{ height: 8, width: 8, labelAt: () => 1, segments: [{ category: 0, isCrowd: false }] }])
  let asked = 0
  const trainer = {
    predictor: async () => {
      asked++
      throw new Error('no memory')
    },
  }
  const scorer = openScorer(trainer, () => ({}))
  await expect(scorer.score(set)).rejects.toThrow('no memory')
  await expect(scorer.score(set)).rejects.toThrow('no memory')
  expect(asked).toBe(2)
  await scorer.close()
})
