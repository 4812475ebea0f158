import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyCounts, merge, panopticQuality, type Counts } from '../../src/eval/pq.ts'
import { anyPair, categories, score, type Pair } from './images.ts'

test('two matches, one false positive and one miss give the PQ of the paper: 0.7 x 2/3', () => {
  const quality = panopticQuality(countsOf({ iou: [1.4], tp: [2], fp: [1], fn: [1] }), categories)
  expect(quality.All.sq).toBeCloseTo(0.7, 12)
  expect(quality.All.rq).toBeCloseTo(2 / 3, 12)
  expect(quality.All.pq).toBeCloseTo(1.4 / 3, 12)
  expect(quality.per_class['10']).toEqual({ pq: 1.4 / 3, sq: 0.7, rq: 2 / 3, tp: 2, fp: 1, fn: 1, iou: 1.4 })
})

test('a split without a class has n 0 and no value, and leaves the others alone', () => {
  const quality = panopticQuality(countsOf({ iou: [0.9, 0.6], tp: [1, 1], fp: [], fn: [] }), categories)
  expect(quality.Stuff).toEqual({ pq: null, sq: null, rq: null, n: 0 })
  expect(quality.Things).toEqual({ pq: 0.75, sq: 0.75, rq: 1, n: 2 })
  expect(quality.All).toEqual(quality.Things)
})

test('a class that is only predicted counts with 0, and one that never occurs does not count', () => {
  const quality = panopticQuality(countsOf({ iou: [1], tp: [1], fp: [0, 3], fn: [] }), categories)
  expect(quality.Things).toEqual({ pq: 0.5, sq: 0.5, rq: 0.5, n: 2 })
  expect(quality.per_class['30']).toEqual({ pq: 0, sq: 0, rq: 0, tp: 0, fp: 0, fn: 0, iou: 0 })
})

describe('laws', () => {
  test('an image scored against itself has PQ 1 in every class that is present (M8)', () => {
    fc.assert(
      fc.property(anyPair, (pair) => {
        const quality = panopticQuality(score(againstItself(pair)), categories)
        const present = Object.values(quality.per_class).filter(({ tp, fp, fn }) => tp + fp + fn > 0)
        for (const { pq, sq, rq } of present) expect([pq, sq, rq]).toEqual([1, 1, 1])
        expect(quality.All.n).toBe(present.length)
        expect(quality.All.pq).toBe(present.length > 0 ? 1 : null)
      }),
      { numRuns: 500, seed: 2 },
    )
  })

  test('merging counts is associative and commutative', () => {
    fc.assert(
      fc.property(anyCounts, anyCounts, anyCounts, (a, b, c) => {
        expect(merge(a, b)).toEqual(merge(b, a))
        expect(distance(merge(merge(a, b), c), merge(a, merge(b, c)))).toBeLessThan(1e-9)
        expect(merge(a, emptyCounts(categories))).toEqual(a)
      }),
      { seed: 3 },
    )
  })

  test('the order of images is irrelevant', () => {
    fc.assert(
      fc.property(fc.array(anyCounts, { minLength: 1 }), (images) => {
        expect(distance(total(images.toReversed()), total(images))).toBeLessThan(1e-9)
      }),
      { seed: 4 },
    )
  })

  test('other segment ids give the same counts', () => {
    fc.assert(
      fc.property(anyPair, fc.integer({ min: 1, max: 254 }), (pair, factor) => {
        const valid = withValidPrediction(pair)
        // Odd, so that ids stay different modulo 2^24; 0 stays 0.
        const renamed = (id: number) => (id * (2 * factor + 1) * 32_771) % 2 ** 24
        const relabelled = {
          ...valid,
          truthIds: valid.truthIds.map(renamed),
          truth: valid.truth.map((segment) => ({ ...segment, id: renamed(segment.id) })),
          predictionIds: valid.predictionIds.map(renamed),
          prediction: valid.prediction.map((segment) => ({ ...segment, id: renamed(segment.id) })),
        }
        expect(distance(score(relabelled), score(valid))).toBeLessThan(1e-9)
      }),
      { numRuns: 500, seed: 5 },
    )
  })
})

const anyCounts: fc.Arbitrary<Counts> = fc
  .array(fc.tuple(fc.double({ min: 0, max: 50, noNaN: true }), fc.nat(100), fc.nat(100), fc.nat(100)), {
    minLength: categories.length,
    maxLength: categories.length,
  })
  .map((rows) => {
    const column = (index: 0 | 1 | 2 | 3) => Float64Array.from(rows, (row) => row[index])
    return { iou: column(0), tp: column(1), fp: column(2), fn: column(3) }
  })

/** Counts of the first classes; the rest is 0. */
function countsOf(given: Readonly<Record<keyof Counts, readonly number[]>>): Counts {
  const counts = emptyCounts(categories)
  for (const key of ['iou', 'tp', 'fp', 'fn'] as const) counts[key].set(given[key])
  return counts
}

/** The ground truth as its own prediction, once its areas are right and it has no crowd: crowds are never matched. */
function againstItself(pair: Pair): Pair {
  const truth = pair.truth
    .filter(({ id, category }) => id !== 0 && category >= 0 && pair.truthIds.includes(id))
    .map((segment) => ({ ...segment, isCrowd: false, area: pair.truthIds.filter((id) => id === segment.id).length }))
  const prediction = truth.map(({ id, category }) => ({ id, categoryId: categories[category]!.id }))
  const predictionIds = pair.truthIds.map((id) => (truth.some((segment) => segment.id === id) ? id : 0))
  return { ...pair, truth, prediction, predictionIds }
}

/** The same maps, with each predicted id listed once and of a known category. */
function withValidPrediction(pair: Pair): Pair {
  const ids = [...new Set(pair.predictionIds)].filter((id) => id !== 0)
  return { ...pair, prediction: ids.map((id) => ({ id, categoryId: categories[id % 3]!.id })) }
}

/** The largest difference between two counts of anything. */
function distance(a: Counts, b: Counts): number {
  const keys = ['iou', 'tp', 'fp', 'fn'] as const
  return Math.max(
    ...keys.flatMap((key) =>
      Array.from(a[key], (value, i) => (value === b[key][i] ? 0 : Math.abs(value - b[key][i]!))),
    ),
  )
}

function total(images: readonly Counts[]): Counts {
  return images.reduce(merge, emptyCounts(categories))
}
