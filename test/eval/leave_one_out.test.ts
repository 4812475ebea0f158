import { expect, test } from 'vitest'
import { bootstrapInterval } from '../../src/eval/bootstrap.ts'
import { imageStatistics, pickImages, totalCounts } from '../../src/eval/image_statistics.ts'
import { intervalCaveat } from '../../src/eval/interval_caveat.ts'
import { leaveOneOut, spreadOfMoves } from '../../src/eval/leave_one_out.ts'
import { emptyCounts, panopticQuality, type Counts } from '../../src/eval/pq.ts'
import { stream } from '../../src/rng.ts'
import { spread } from '../../src/eval/paired.ts'
import { categories } from './images.ts'
import { simulate, simulatedCategories, type World } from './simulated.ts'
import { coverage } from './trials_of_statistics.ts'

test('of a class that is once in each image the error is that of a mean, with all degrees of freedom', () => {
  const values = [0.9, 0.6, 0.75, 0.55, 0.8, 0.7]
  const statistics = imageStatistics(values.map((iou) => matched(0, iou)))
  const { bias, moves } = leaveOneOut(statistics, { top: statistics.iou, bottom: statistics.tp }, () => true)
  const { error, degrees } = spreadOfMoves(moves)
  expect(error).toBeCloseTo(spread(values) / Math.sqrt(6), 12)
  expect(bias).toBeCloseTo(0, 12)
  expect(degrees).toBe(5)
})

test('a move is what the score loses with the image', () => {
  const [a] = simulate({ images: 30, classes: 5, segments: 4, tail: 0.3, seed: 2 }, [0.3])
  const kinds = simulatedCategories(5)
  const segments = a!.iou.map((_, at) => a!.tp[at]! + a!.fp[at]! / 2 + a!.fn[at]! / 2)
  const { moves } = leaveOneOut(a!, { top: a!.iou, bottom: segments }, () => true)
  const pqOf = (images: readonly number[]) => panopticQuality(totalCounts(pickImages(a!, images)), kinds).All.pq!
  const all = Array.from({ length: 30 }, (_, i) => i)
  const exact = all.map((image) => pqOf(all.filter((other) => other !== image)) - pqOf(all))
  for (const [image, move] of exact.entries()) expect(moves[image]).toBeCloseTo(move, 12)
})

test('where one image makes most of the spread few degrees of freedom are left', () => {
  const moves = Float64Array.from({ length: 100 }, (_, i) => (i === 0 ? 1 : i % 2 === 0 ? 0.001 : -0.001))
  expect(spreadOfMoves(moves).degrees).toBeLessThanOrEqual(2)
})

test('a single image, or one that holds all classes of a split, gives no interval', () => {
  const one = imageStatistics([matched(0, 0.8)])
  expect(bootstrapInterval(one, categories, stream(1), 50).All.pq).toBeNull()
  const [empty, both] = [emptyCounts(categories), matched(0, 0.8)]
  expect(bootstrapInterval(imageStatistics([both, empty, empty]), categories, stream(1), 50).All.pq).toBeNull()
})

test('over 300 simulated data sets with many rare classes in crowds intervals cover the truth 93 to 98 times in 100', () => {
  const world: World = { images: 8000, classes: 80, segments: 6, tail: 0.8, crowding: 0.7, spread: [0.6, 1.5, 0.5], seed: 7 } // prettier-ignore
  const [a, b] = simulate(world, [0.3, 0.2])
  const { covered } = coverage([a!, b!], { images: 200, sets: 300, resamples: 40, seed: 3 })
  for (const name of ['All pq', 'All rq', 'All pq difference']) {
    const share = covered[name]! / 300
    expect({ name, share, isEnough: share >= 0.93 && share <= 0.98 }).toMatchObject({ isEnough: true })
  }
})

test('few images, and classes that rest on one image, are pointed out', () => {
  const images = Array.from({ length: 25 }, () => matched(0, 0.8))
  expect(intervalCaveat(imageStatistics(images))).toBeUndefined()
  expect(intervalCaveat(imageStatistics(images.slice(0, 9)))).toMatch(/^9 images are few/)
  expect(intervalCaveat(imageStatistics([...images, matched(1, 0.5)]))).toMatch(/^1 of 2 classes is in one image only/)
})

function matched(category: number, iou: number): Counts {
  const counts = emptyCounts(categories)
  counts.tp[category] = 1
  counts.iou[category] = iou
  return counts
}
