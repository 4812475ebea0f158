import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openShapes } from '../../src/data/shapes.ts'
import { isTuneError } from '../../src/errors.ts'
import { checkpointFile } from '../../src/results.ts'
import { trainModel } from '../../src/models/train.ts'
import type { TrainOptions } from '../../src/models/train_options.ts'
import { failureOf } from '../../src/trials/report.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const shared = sharedTemporaryDir()
let set: ImageSet
/** A checkpoint, as it was written. */
let checkpoint: string

beforeAll(async () => {
  set = await openShapes({ cacheDir: shared, split: 'train', size: 32, train: 4, val: 1, heldout: 1 })
  const trial = trialIn(shared)
  const run = trainModel({ trial, set, crop: 32, batch: 2, every: 1 })
  await run.next()
  await run.return()
  checkpoint = checkpointFile(shared)
})

function trialIn(dir: string): TrainOptions['trial'] {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  return { seed: 1, device, signal: new AbortController().signal, maxSteps: 1, dir }
}

/** How a training that cannot go well fails: by what code, and how its trial ends. */
async function failureWith(options: Partial<TrainOptions>) {
  try {
    for await (const { steps } of trainModel({
      trial: trialIn(temporaryDir()),
      set,
      crop: 32,
      batch: 2,
      every: 3,
      ...options,
    })) {
      expect(steps).toBe(3)
    }
  } catch (error) {
    const { code: trial, message } = failureOf(error)
    return { error: isTuneError(error) ? error.code : undefined, trial, message }
  }
  return undefined
}

function changed(change: (bytes: Buffer) => Uint8Array): string {
  const file = join(temporaryDir(), 'changed.safetensors')
  writeFileSync(file, change(readFileSync(checkpoint)))
  return file
}

const tampered = () =>
  changed((bytes) => {
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    return bytes
  })

describe('a training is refused, and its trial says what to do,', () => {
  test.each<[string, Partial<TrainOptions>, RegExp]>([
    ['for channels that cannot be grouped, by the layer and its shape', { model: { name: 'panoptic_deeplab', neck: { name: 'aspp', channels: 12 } } }, /^aspp\.\w+: 12 channels are not divided by .*\[\d+, 12, \d+, \d+\]; choose channels/], // prettier-ignore
    ['for an input that is smaller than the stride', { crop: 16, model: { name: 'panoptic_deeplab', backbone: { name: 'resnet' } } }, /images of 16 x 16 pixels are smaller than the coarsest stride, 32: images \[2, 3, 16, 16\]; choose a larger crop/], // prettier-ignore
    ['for an input that the stride does not divide', { crop: 40 }, /multiples of 16 pixels: images \[2, 3, 40, 40\]; choose another crop size/], // prettier-ignore
    ['for a model that nobody knows, by the one that was meant', { model: { name: 'panoptic_deeplap' as 'panoptic_deeplab' } }, /'name' is "panoptic_deeplap".*did you mean 'panoptic_deeplab'/], // prettier-ignore
  ])('%s', async (_, options, message) => {
    const expected: unknown = expect.stringMatching(message)
    expect(await failureWith(options)).toEqual({ error: 'model/invalid', trial: 'trial/threw', message: expected })
  })

  test('for a part to freeze that is not there, long before the phase that is to freeze it', async () => {
    const phases = [{ after: 0.9, freeze: ['bakbone'] }]
    const expected: unknown = expect.stringMatching(/'bakbone' is to be frozen.*did you mean 'backbone'/)
    expect(await failureWith({ every: 1_000_000, phases })).toMatchObject({
      error: 'params/invalid',
      message: expected,
    })
  })

  test("for targets whose stride is no part of the network's", async () => {
    for (const stride of [3, 8]) {
      expect(await failureWith({ crop: 48, losses: { stride } })).toMatchObject({
        error: 'params/invalid',
        message: `losses: stride is ${stride}, must divide 4, the network's`,
      })
    }
  })

  test('for a class that is none of its set', async () => {
    const [scene] = set.scenes
    const segments = scene!.segments.map((segment) => ({ ...segment, category: 9 }))
    const wrong = { ...set, scenes: [{ ...scene!, segments }] }
    expect(await failureWith({ set: wrong })).toMatchObject({ error: 'data/invalid', message: expect.stringMatching(/segment \d+ has class 9, but there are classes 0 to 8/) }) // prettier-ignore
  })
})

describe('a checkpoint starts no training', () => {
  const refused = (message: RegExp) => ({ error: 'checkpoint/invalid', trial: 'trial/threw', message: expect.stringMatching(message) as unknown }) // prettier-ignore

  test('of another model, by how much of it is missing', async () => {
    const other = { model: { name: 'semantic_fpn' }, weights: { semantic: 1 } } as const
    expect(await failureWith({ ...other, from: { file: checkpoint } })).toEqual(refused(/has [\d.]+ % of the weights, less than 100.0 %: \d+ missing, such as 'pyramid\..*; give the parts/)) // prettier-ignore
  })

  test('that is cut short, wherever', async () => {
    for (const share of [0, 0.001, 0.3, 0.999]) {
      const file = changed((bytes) => bytes.subarray(0, share * bytes.length))
      expect(await failureWith({ from: { file } })).toEqual(refused(/changed\.safetensors/))
      expect(await failureWith({ teacher: file })).toEqual(refused(/changed\.safetensors/))
    }
  })

  test('that was altered, although it has every tensor in its shape', async () => {
    expect(await failureWith({ from: { file: tampered() } })).toEqual(refused(/its checksum does not hold/))
    expect(await failureWith({ teacher: tampered() })).toEqual(refused(/its checksum does not hold/))
  })

  test('that is not there', async () => {
    expect(await failureWith({ from: { file: 'nowhere.safetensors' } })).toEqual(refused(/nowhere\.safetensors/))
  })
})

test.for([
  ['cuda', /ONNXRUNTIME_NODE_INSTALL=true node .*install\.js.*--device cpu/],
  ['tfjs', /npm install @tensorflow\/tfjs-node-gpu/],
] as const)('a training on %s says what to install, where that is missing', async ([kind, advice], { skip }) => {
  const trial = { ...trialIn(temporaryDir()), device: { kind, index: 0, threads: 1 } }
  const end = await failureWith({ trial })
  skip(end === undefined, `there is ${kind}`)
  expect(end).toEqual({ error: 'device/none', trial: 'trial/threw', message: expect.stringMatching(advice) })
})

test('a training whose loss is no number any more has diverged: its trial names the step and the term', async () => {
  const end = await failureWith({ lr: 1e30, clipping: 'none' })
  expect(end).toEqual({
    error: undefined,
    trial: 'trial/diverged',
    message: expect.stringMatching(
      /^diverged at step [23]: (semantic|center|offset|total|gradNorm) is (NaN|Infinity)$/,
    ),
  })
})
