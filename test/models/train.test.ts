import { beforeAll, describe, expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openShapes } from '../../src/data/shapes.ts'
import { loadCounts } from '../../src/eval/counts_file.ts'
import { totalCounts } from '../../src/eval/image_statistics.ts'
import { panopticQuality } from '../../src/eval/pq.ts'
import { countsFile, trainModel } from '../../src/models/train.ts'
import type { TrainOptions } from '../../src/models/train_options.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const cpu = { kind: 'cpu', index: 0, threads: 1 } as const
const cacheDir = sharedTemporaryDir()
let set: ImageSet

beforeAll(async () => {
  set = await openShapes({ cacheDir, split: 'val', size: 64, train: 1, val: 6, heldout: 1 })
})

function trialOf(change: Partial<TrainOptions['trial']> = {}): TrainOptions['trial'] {
  return { seed: 1, device: cpu, signal: new AbortController().signal, maxSteps: 2, dir: temporaryDir(), ...change }
}

const weights = { semantic: 1, center: 200, offset: 0.01 }

describe('a training', () => {
  test('weighs its losses as the paper does, unless it is told otherwise', async () => {
    for await (const { losses } of trainModel({ trial: trialOf({ maxSteps: 1 }), set, every: 1 })) {
      expect(losses.weights).toEqual(weights)
    }
  })

  test('counts the images that it had to do without', async () => {
    const damagedOf = async (own: ImageSet) => {
      for await (const { damaged } of trainModel({ trial: trialOf({ maxSteps: 1 }), set: own, every: 1 }))
        return damaged
      return undefined
    }
    expect(await damagedOf(set)).toBe(0)
    expect(await damagedOf({ ...set, damaged: [{ imageId: 7, what: 'seven.png: it is truncated' }] })).toBe(1)
  })

  test('says what the network costs, and where its checkpoint lies: another training starts from there', async () => {
    const dir = temporaryDir()
    for await (const { describe, file } of trainModel({
      trial: trialOf({ maxSteps: 1, dir }),
      set,
      weights,
      every: 1,
    })) {
      expect(describe(64, 64)).toMatchObject({ parameters: 142_556, macs: expect.any(Number) })
      const next = trainModel({ trial: trialOf({ maxSteps: 1 }), set, weights, every: 1, from: { file } })
      for await (const { loaded } of next) expect(loaded).toMatchObject({ share: 1, missing: [], unexpected: [] })
    }
  })

  test('gives the network to score after every so many steps, and lowers the loss', async () => {
    const models = []
    for await (const { steps, isLast, losses, score } of trainModel({
      trial: trialOf({ maxSteps: 3 }),
      set,
      weights,
      every: 20,
    }))
      // prettier-ignore
      models.push({ steps, isLast, losses, ...(await score(set)) })
    expect(models.map(({ steps, isLast }) => [steps, isLast])).toEqual([[20, false], [40, false], [60, true]]) // prettier-ignore
    expect(models[2]!.losses.total).toBeLessThan(0.8 * models[0]!.losses.total)
    for (const { pq, sq, rq } of models) for (const score of [pq, sq, rq]) expect(score).toBeGreaterThanOrEqual(0)
    expect(models[2]!.pq).toBeGreaterThan(models[0]!.pq)
  })

  test('gives the same scores for the same seed, and others for another', async () => {
    const scoresOf = async (seed: number) => {
      for await (const model of trainModel({ trial: trialOf({ seed }), set, weights, every: 25 })) {
        if (model.isLast) return [model.losses, await model.score(set)]
      }
      return undefined
    }
    const [first, again, other] = [await scoresOf(1), await scoresOf(1), await scoresOf(2)]
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })

  test('keeps the counts of each image under a name, which give the score again', async () => {
    const trial = trialOf({ maxSteps: 1 })
    for await (const model of trainModel({ trial, set, weights, every: 30 })) {
      const { pq } = await model.score(set, 'val')
      const { imageIds, statistics } = loadCounts(countsFile(trial.dir, 'val'))
      expect(imageIds).toEqual(set.scenes.map(({ imageId }) => imageId))
      expect(100 * (panopticQuality(totalCounts(statistics), set.categories).All.pq ?? 0)).toBeCloseTo(pq, 9)
    }
  })

  test('ends at its next step when its trial is told to', async () => {
    const stop = new AbortController()
    const run = trainModel({ trial: trialOf({ signal: stop.signal }), set, weights, every: 1000 })
    setImmediate(() => stop.abort())
    await expect(run.next()).rejects.toThrow(/aborted/)
  })

  test('needs to know where its schedule ends', async () => {
    const run = trainModel({ trial: trialOf({ maxSteps: Infinity }), set, weights })
    await expect(run.next()).rejects.toThrow(/where it ends/)
  })

  test('leaves a frozen backbone alone, so that only its heads lower the loss', async () => {
    const lossesOf = async (backbone: number) => {
      for await (const model of trainModel({ trial: trialOf(), set, weights, every: 30, backbone })) {
        if (model.isLast) return model.losses.total
      }
      return Number.NaN
    }
    expect(await lossesOf(0)).toBeGreaterThan(await lossesOf(1))
  })
})
