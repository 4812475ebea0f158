import { expect, test } from 'vitest'
import { bootstrapDifference, bootstrapInterval } from '../../src/eval/bootstrap.ts'
import { imageStatistics, pickImages, totalCounts } from '../../src/eval/image_statistics.ts'
import { influence, influenceDifference, standardError } from '../../src/eval/influence.ts'
import { emptyCounts, merge, panopticQuality, type Counts } from '../../src/eval/pq.ts'
import { resample } from '../../src/eval/resample.ts'
import { SCORES, SPLITS } from '../../src/eval/resampled_quality.ts'
import { stream } from '../../src/rng.ts'
import { categories } from './images.ts'
import { simulate, simulatedCategories } from './simulated.ts'
import { coverage } from './trials_of_statistics.ts'

const WORLD = { images: 20_000, classes: 8, segments: 4, tail: 0.5, seed: 7 }

test('intervals and differences are of the scores themselves, for all classes, things and stuff', () => {
  const [a, b] = simulate({ ...WORLD, images: 80 }, [0.3, 0.1]).map((result) =>
    pickImages(result, [...Array(80).keys()]),
  )
  const kinds = simulatedCategories(8)
  const [first, second] = [a!, b!].map((result) => panopticQuality(totalCounts(result), kinds))
  const intervals = bootstrapInterval(a!, kinds, stream(1))
  const differences = bootstrapDifference(a!, b!, kinds, stream(1))
  for (const split of SPLITS) {
    for (const score of SCORES) {
      const [interval, difference] = [intervals[split][score]!, differences[split][score]!]
      expect(interval.value).toBeCloseTo(first![split][score]!, 12)
      expect(difference.difference).toBeCloseTo(first![split][score]! - second![split][score]!, 12)
      expect(interval.low).toBeLessThan(interval.value)
      expect(interval.high).toBeGreaterThan(interval.value)
      expect(difference.p < 0.05).toBe(difference.low > 0 || difference.high < 0)
    }
  }
})

test('a resample adds up what it drew, and draws as many images as there are', () => {
  const [a] = simulate({ ...WORLD, images: 30 }, [0.3])
  const ones = {
    ...a!,
    iou: a!.iou.map(() => 1),
    tp: a!.tp.map(() => 3),
    fp: a!.fp.map(() => 1),
    fn: a!.fn.map(() => 0),
  }
  // One entry an image: the sums then count images.
  const single = pickImages(imageStatistics(Array.from({ length: 30 }, () => only(0))), [...Array(30).keys()])
  resample([single], 10, stream(2), ([sums]) => expect(sums!.tp[0]).toBe(30))
  resample([ones], 10, stream(2), ([sums]) => {
    for (const [c, iou] of sums!.iou.entries()) {
      expect(sums!.tp[c]).toBe(3 * iou)
      expect(sums!.segments[c]).toBe(3.5 * iou)
    }
  })
})

test('over 500 simulated data sets with known truth the 95 % intervals cover it 93 to 97 times in 100', () => {
  const [a, b] = simulate(WORLD, [0.3, 0.2])
  const { covered } = coverage([a!, b!], { images: 60, sets: 500, resamples: 300, seed: 1 })
  const names = ['All pq', 'All pq difference', 'All rq', 'Things pq', 'Stuff pq difference']
  const shares = names.map((name) => covered[name]! / 500)
  expect(Math.min(...shares)).toBeGreaterThanOrEqual(0.93)
  expect(Math.max(...shares)).toBeLessThanOrEqual(0.97)
})

test('of results that are equally good about 5 in 100 get a p below 0.05', () => {
  // Pairs in random order: neither is the better one, not even by chance.
  const world = simulate({ ...WORLD, images: 4000 }, [0.3, 0.3])
  const counts = world.map(totalCounts)
  const gap = Math.abs(pqOf(counts[0]!) - pqOf(counts[1]!))
  expect(gap).toBeLessThan(0.004)
  const { significant } = coverage([world[0]!, world[1]!], { images: 40, sets: 400, resamples: 200, seed: 2 })
  expect(significant / 400).toBeGreaterThan(0.02)
  expect(significant / 400).toBeLessThan(0.08)
})

test('results that are the same differ by exactly nothing', () => {
  const [a] = simulate({ ...WORLD, images: 30 }, [0.3])
  const { pq } = bootstrapDifference(a!, a!, simulatedCategories(8), stream(2)).All
  expect(pq).toEqual({ difference: 0, standardError: 0, low: 0, high: 0, p: 1 })
})

test('two images say nothing, although their resamples look sure', () => {
  const [a, b] = [imageStatistics([only(0), only(1)]), imageStatistics([only(0), missed(1)])]
  const { pq } = bootstrapDifference(a, b, categories, stream(4)).All
  expect(pq).toMatchObject({ difference: 0.5, low: -1, high: 1 })
  expect(pq?.p).toBeGreaterThan(0.2)
})

test('images without any segment have no interval, and unequal numbers of images cannot be paired', () => {
  const nothing = imageStatistics([emptyCounts(categories)])
  const none = { pq: null, sq: null, rq: null }
  expect(bootstrapInterval(nothing, categories, stream(5))).toEqual({ All: none, Things: none, Stuff: none })
  expect(bootstrapInterval(imageStatistics([], 3), categories, stream(5)).All).toEqual(none)
  const two = imageStatistics([only(0), only(1)])
  expect(() => bootstrapDifference(nothing, two, categories, stream(5))).toThrow(/1 and 2 images/)
  expect(() => influenceDifference(nothing, two)).toThrow(/1 and 2 images/)
})

test('the same stream gives the same interval', () => {
  const [a] = simulate({ ...WORLD, images: 20 }, [0.3])
  const once = () => bootstrapInterval(a!, simulatedCategories(8), stream(6), 100)
  expect(once()).toEqual(once())
})

test('influences sum to nothing, and their standard errors are those of the bootstrap to some percent', () => {
  const [a, b] = simulate({ ...WORLD, images: 400 }, [0.3, 0.2])
  const kinds = simulatedCategories(8)
  const { pq, moves } = influence(a!)
  expect(pq).toBeCloseTo(panopticQuality(totalCounts(a!), kinds).All.pq!, 12)
  expect(moves.reduce((sum, move) => sum + move, 0)).toBeCloseTo(0, 12)
  const single = bootstrapInterval(a!, kinds, stream(7), 2000).All.pq!.standardError
  const paired = bootstrapDifference(a!, b!, kinds, stream(7), 2000).All.pq!.standardError
  expect(Math.abs(standardError(a!) / single - 1)).toBeLessThan(0.08)
  expect(Math.abs(influenceDifference(a!, b!).standardError / paired - 1)).toBeLessThan(0.08)
  expect(paired).toBeLessThan(single)
})

function pqOf(counts: Counts): number {
  return panopticQuality(counts, simulatedCategories(8)).All.pq!
}

/** One ground-truth segment of one class, matched perfectly. */
function only(category: number): Counts {
  const counts = emptyCounts(categories)
  counts.tp[category] = counts.iou[category] = 1
  return merge(counts, emptyCounts(categories))
}

function missed(category: number): Counts {
  const counts = emptyCounts(categories)
  counts.fn[category] = 1
  return counts
}
