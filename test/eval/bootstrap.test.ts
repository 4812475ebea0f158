import { expect, test } from 'vitest'
import { bootstrapDifference } from '../../src/eval/bootstrap.ts'
import { emptyCounts, merge, panopticQuality, type Counts } from '../../src/eval/pq.ts'
import { stream, type Rng } from '../../src/rng.ts'
import { categories } from './images.ts'

test('the difference is that of the scores, and the interval lies around it', () => {
  const [a, b] = results(stream(1, 'images'), 80, 0.1)
  const result = bootstrapDifference(a, b, stream(1, 'bootstrap'))
  expect(result?.difference).toBeCloseTo(pq(a) - pq(b), 12)
  expect(result?.low).toBeLessThan(result?.mean ?? Number.NaN)
  expect(result?.high).toBeGreaterThan(result?.mean ?? Number.NaN)
  expect(result?.mean).toBeCloseTo(pq(a) - pq(b), 2)
})

test('results that are the same differ by exactly nothing', () => {
  const [a] = results(stream(2, 'images'), 30, 0)
  expect(bootstrapDifference(a, a, stream(2, 'bootstrap'))).toEqual({ difference: 0, mean: 0, low: 0, high: 0 })
})

test('the interval covers no difference where there is none, in about 95 of 100 cases', () => {
  let covered = 0
  for (let run = 0; run < 200; run++) {
    const [a, b] = results(stream(3, run), 60, 0)
    const interval = bootstrapDifference(a, b, stream(3, run, 'bootstrap'), 200)
    if (interval && interval.low <= 0 && interval.high >= 0) covered++
  }
  expect(covered / 200).toBeGreaterThan(0.9)
  expect(covered / 200).toBeLessThan(0.99)
})

test('a class that a resample leaves empty leaves its mean', () => {
  // PQ of a is 1 on either class, of b 0 on the second: where both images are drawn the difference is 1/2.
  const a = [single(0, 1), single(1, 1)]
  const b = [single(0, 1), single(1, 0)]
  const result = bootstrapDifference(a, b, stream(4), 4000)
  expect(result?.difference).toBe(0.5)
  expect(result?.low).toBe(0)
  expect(result?.high).toBe(1)
  expect(result?.mean).toBeCloseTo(0.5, 1)
})

test('images without any segment have no difference, and unequal numbers of images cannot be paired', () => {
  const nothing = [emptyCounts(categories)]
  expect(bootstrapDifference(nothing, nothing, stream(5))).toBeUndefined()
  expect(bootstrapDifference([], [], stream(5))).toBeUndefined()
  expect(() => bootstrapDifference(nothing, [], stream(5))).toThrow(/1 and 0 images/)
})

test('the same stream gives the same interval', () => {
  const [a, b] = results(stream(6, 'images'), 20, 0.05)
  expect(bootstrapDifference(a, b, stream(6))).toEqual(bootstrapDifference(a, b, stream(6)))
})

function pq(images: readonly Counts[]): number {
  return panopticQuality(images.reduce(merge, emptyCounts(categories)), categories).All.pq ?? Number.NaN
}

/** One ground-truth segment of one class, matched perfectly or missed. */
function single(category: number, matched: 0 | 1): Counts {
  const counts = emptyCounts(categories)
  counts.tp[category] = counts.iou[category] = matched
  counts.fn[category] = 1 - matched
  return counts
}

/** Two results on the same images, of which some are harder; the first matches more often by `advantage`. */
function results(rng: Rng, images: number, advantage: number): readonly [Counts[], Counts[]] {
  const pairs = Array.from({ length: images }, () => {
    const ease = 0.3 + 0.4 * rng.uniform()
    return [image(rng, ease + advantage), image(rng, ease)] as const
  })
  return [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
}

function image(rng: Rng, ease: number): Counts {
  const counts = emptyCounts(categories)
  for (const category of categories.keys()) {
    for (let segment = 0; segment < 3; segment++) {
      if (rng.uniform() < ease) {
        counts.tp[category]! += 1
        counts.iou[category]! += 0.5 + 0.5 * rng.uniform()
      } else counts.fn[category]! += 1
    }
  }
  return counts
}
