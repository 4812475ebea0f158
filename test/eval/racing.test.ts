import { expect, test } from 'vitest'
import { race, raceLooks, raceOrder } from '../../src/eval/racing.ts'
import { totalCounts, type ImageStatistics } from '../../src/eval/image_statistics.ts'
import { panopticQuality, type Counts } from '../../src/eval/pq.ts'
import { simulate, simulatedCategories } from './simulated.ts'
import { races } from './trials_of_statistics.ts'

const WORLD = { images: 600, classes: 8, segments: 6, tail: 0.5, seed: 3 }

test('a candidate that is clearly worse is stopped early, and what it leaves is no score', async () => {
  const [best, worse] = simulate(WORLD, [0.5, -0.5])
  const asked: number[] = []
  const result = await race(600, scorer(best!, worse!, asked), { seed: 1 })
  expect(result).toEqual({ state: 'stopped', at: 90, of: 600, behind: { difference: expect.any(Number), standardError: expect.any(Number) } }) // prettier-ignore
  expect(asked).toEqual(raceOrder(600, 1).slice(0, 90))
  expect(result.state === 'stopped' && result.behind.difference).toBeLessThan(-0.05)
})

test('a better candidate is scored on every image, and its counts come in the order of the set', async () => {
  const [best, better] = simulate(WORLD, [0.3, 0.6])
  const result = await race(600, scorer(best!, better!), { seed: 2 })
  if (result.state !== 'finished') throw new Error('stopped')
  expect(result.candidate).toEqual(Array.from({ length: 600 }, (_, i) => countsOf(better!, i)))
  expect(result.best).toEqual(Array.from({ length: 600 }, (_, i) => countsOf(best!, i)))
})

test('a set of less than 30 images is never cut short', async () => {
  const [best, worse] = simulate({ ...WORLD, images: 29 }, [2, -2])
  expect((await race(29, scorer(best!, worse!), { seed: 3 })).state).toBe('finished')
  expect(raceLooks(29)).toEqual([])
  expect(raceLooks(64)).toEqual([30, 40, 50, 60])
  expect(raceLooks(5000).slice(0, 3)).toEqual([300, 400, 500])
  expect(raceLooks(5000).at(-1)).toBe(4900)
})

test('a scorer that leaves images out is found out', async () => {
  await expect(race(600, () => ({ candidate: [], best: [] }), { seed: 4 })).rejects.toThrow(
    /0 images were scored where 90 were asked for/,
  )
})

test('over 1200 simulated races at most 1 in 100 of the better candidates is stopped', () => {
  let [better, wrong] = [0, 0]
  const [best, ...candidates] = simulate({ ...WORLD, images: 4000, segments: 3, seed: 1 }, [0.3, 0.3, 0.31, 0.29])
  for (const [i, candidate] of candidates.entries()) {
    expect(pqOf(best!)).toBeCloseTo(pqOf(candidate), 1)
    const ended = races([best!, candidate], { images: 200, races: 400, seed: i })
    better += ended.better
    wrong += ended.wrong
  }
  expect(better).toBeGreaterThan(500)
  expect(wrong / better).toBeLessThanOrEqual(0.01)
})

test('a candidate that is far behind is stopped at the first looks', () => {
  const [best, candidate] = simulate({ ...WORLD, images: 4000, segments: 4 }, [0.3, -0.1])
  const { stopped, scored, better } = races([best!, candidate!], { images: 200, races: 100, seed: 5 })
  expect([stopped, better]).toEqual([100, 0])
  expect(scored).toBeLessThan(0.4)
})

function scorer(best: ImageStatistics, candidate: ImageStatistics, asked: number[] = []) {
  return (images: readonly number[]) => {
    asked.push(...images)
    const [ofCandidate, ofBest] = [candidate, best].map((one) => images.map((image) => countsOf(one, image)))
    return { candidate: ofCandidate!, best: ofBest! }
  }
}

function countsOf({ classes, starts, classOf, iou, tp, fp, fn }: ImageStatistics, image: number): Counts {
  const zeros = () => new Float64Array(classes)
  const counts = { iou: zeros(), tp: zeros(), fp: zeros(), fn: zeros() }
  for (let at = starts[image]!; at < starts[image + 1]!; at++) {
    for (const [name, values] of Object.entries({ iou, tp, fp, fn })) counts[name as keyof Counts][classOf[at]!] = values[at]! // prettier-ignore
  }
  return counts
}

function pqOf(statistics: ImageStatistics): number {
  return panopticQuality(totalCounts(statistics), simulatedCategories(8)).All.pq!
}
