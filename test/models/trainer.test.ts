import { createHash } from 'node:crypto'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import type { Batch } from '../../src/models/batch.ts'
import { floats } from '../../src/models/engines/session.ts'
import { panopticDeepLab } from '../../src/models/panoptic_deeplab.ts'
import { modelFile } from '../../src/models/predictor.ts'
import { openTrainer, type Hyper, type Trainer } from '../../src/models/trainer.ts'
import { trainStepGraph } from '../../src/models/train_step.ts'
import { sizeOf, type Parameter } from '../../src/models/graph/graph.ts'
import { noiseBatch, squareBatch } from './batches.ts'
import { cpu, relativeError } from './graph/gradient_error.ts'

const model = panopticDeepLab({ classes: 3, widths: [8, 16, 16], decoder: 16, head: 16 })
const hyper: Hyper = { lr: 3e-3, weightDecay: 0.01, clip: 10, weights: { semantic: 1, center: 20, offset: 0.1 } }

test('training on one image learns it: losses fall and 95 % of the classes are right', async () => {
  const batch = squareBatch(64)
  await withTrainer({ size: 1, side: 64 }, async (trainer) => {
    const first = await trainer.step(batch, hyper)
    let last = first
    for (let step = 0; step < 150; step++) last = await trainer.step(batch, hyper)
    expect(last.semantic).toBeLessThan(first.semantic / 20)
    expect(last.center).toBeLessThan(first.center / 5)
    expect(last.offset).toBeLessThan(first.offset / 4)

    const predictor = await trainer.predictor(64, 64, 1)
    const { semantic } = await predictor.predict(batch.images, 1)
    await predictor.close()
    expect([...semantic].filter((label, i) => label === Number(i % 64 < 32 && i < 32 * 64)).length).toBeGreaterThan(
      0.95 * 64 * 64,
    )
  })
})

test('the same seed and batches give bitwise the same weights, another seed others', async () => {
  expect(await hashOfTraining(1)).toBe(await hashOfTraining(1))
  expect(await hashOfTraining(2)).not.toBe(await hashOfTraining(1))
})

test('a head whose loss has weight 0 keeps its predictor, but for weight decay', async () => {
  const weights = { semantic: 1, center: 0, offset: 0.1 }
  for (const weightDecay of [0, 0.5]) {
    const [before, after] = await weightsAround({ ...hyper, weightDecay, weights })
    const shrunk = before('center.predictor.weight').map((x) => x - hyper.lr * weightDecay * x)
    expect([...after('center.predictor.weight')]).toEqual([...shrunk].map((x) => expect.closeTo(x, 9)))
    expect([...after('center.predictor.bias')]).toEqual([...before('center.predictor.bias')])
    expect(after('offset.predictor.weight')).not.toEqual(before('offset.predictor.weight'))
  }
})

test('weight decay leaves normalisations and biases alone', async () => {
  const nothing = { semantic: 0, center: 0, offset: 0 }
  const [before, after] = await weightsAround({ ...hyper, weightDecay: 1, weights: nothing })
  expect(after('decoder.output.scale')).toEqual(before('decoder.output.scale'))
  expect(after('semantic.predictor.bias')).toEqual(before('semantic.predictor.bias'))
  expect(after('decoder.output.weight')).not.toEqual(before('decoder.output.weight'))
})

test('a backbone multiplier of 0 freezes the backbone and nothing else', async () => {
  const [before, after] = await weightsAround(hyper, { backbone: 0 })
  expect(after('backbone.stage1.weight')).toEqual(before('backbone.stage1.weight'))
  expect(after('backbone.stage3.scale')).toEqual(before('backbone.stage3.scale'))
  expect(after('decoder.output.weight')).not.toEqual(before('decoder.output.weight'))
})

test('all loss weights times ten make no difference to Adam without clipping and decay', async () => {
  const free = { ...hyper, weightDecay: 0, clip: Number.MAX_VALUE }
  const change = async (weights: Hyper['weights']) => {
    const [before, after] = await weightsAround({ ...free, weights })
    const start = before('semantic.hidden.weight')
    return after('semantic.hidden.weight').map((x, i) => x - start[i]!)
  }
  const once = await change({ semantic: 1, center: 20, offset: 0.1 })
  const tenfold = await change({ semantic: 10, center: 200, offset: 1 })
  // Not to the last digit: where a gradient is as small as Adam's epsilon, its size matters.
  expect(relativeError(tenfold, once)).toBeLessThan(0.01)
})

test('a batch with NaN ends the training with the step and the term, and leaves the weights', async () => {
  await withTrainer({ size: 2, side: 32 }, async (trainer) => {
    await trainer.step(noiseBatch(2, 32, 3), hyper)
    const before = trainer.weights()
    const broken = { ...noiseBatch(2, 32, 3), center: new Float32Array(2 * 8 * 8).fill(Number.NaN) }
    await expect(trainer.step(broken, hyper)).rejects.toMatchObject({
      name: 'DivergedError',
      message: 'diverged at step 2: center is NaN',
    })
    expect(trainer.weights()).toEqual(before)
  })
})

test('timers fire between steps, so that a stop message can arrive', async () => {
  await withTrainer({ size: 2, side: 32 }, async (trainer) => {
    let fired = 0
    const timer = setInterval(() => fired++, 0)
    for (let step = 0; step < 10; step++) await trainer.step(noiseBatch(2, 32, 3), hyper)
    clearInterval(timer)
    expect(fired).toBeGreaterThan(3)
  })
})

test('a predictor follows the training, whatever the number and size of its images', async () => {
  await withTrainer({ size: 2, side: 32 }, async (trainer) => {
    const predictor = await trainer.predictor(30, 35, 3)
    const images = noiseBatch(3, 36, 3).images.slice(0, 3 * 3 * 30 * 35)
    const three = await predictor.predict(images, 3)
    expect(three.semantic.length).toBe(3 * 30 * 35)
    expect(three.offset.length).toBe(3 * 2 * 30 * 35)
    const one = await predictor.predict(images.slice(0, 3 * 30 * 35), 1)
    expect(one.center).toEqual(three.center.slice(0, 30 * 35))

    await trainer.step(noiseBatch(2, 32, 3), hyper)
    const later = await predictor.predict(images, 3)
    expect(later.center).not.toEqual(three.center)
    await predictor.close()
  })
})

test('a model file is a standard one that gives what the predictor gives', async () => {
  await withTrainer({ size: 2, side: 32 }, async (trainer) => {
    const { images } = noiseBatch(1, 32, 3)
    const predictor = await trainer.predictor(32, 32, 1)
    const expected = await predictor.predict(images, 1)
    await predictor.close()
    const session = await InferenceSession.create(modelFile(model, trainer.weights(), 32, 32))
    const { semantic, center } = await session.run({ images: new Tensor('float32', images, [1, 3, 32, 32]) })
    await session.release()
    expect(semantic!.data).toEqual(expected.semantic)
    expect(relativeError(floats({ center: center!.data }, 'center'), expected.center)).toBeLessThan(1e-5)
  })
})

test('a device that is not there is named, with what to do', async () => {
  const device = { kind: 'cuda', index: 7, threads: 1 } as const
  await expect(openTrainer({ model, batchSize: 1, height: 32, width: 32, seed: 1, device })).rejects.toMatchObject({
    code: 'device/none',
    message: expect.stringMatching(/cuda:7/),
    hint: expect.stringMatching(/onnxruntime-node/),
  })
})

async function withTrainer<T>(
  options: { size: number; side: number; seed?: number; backbone?: number },
  use: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const { size, side, seed = 1, backbone = 1 } = options
  const trainer = await openTrainer({ model, batchSize: size, height: side, width: side, device: cpu, seed, lrMultipliers: { backbone } }) // prettier-ignore
  try {
    return await use(trainer)
  } finally {
    await trainer.close()
  }
}

/** The parameters before and after one step, by name. */
async function weightsAround(hyper: Hyper, { backbone }: { backbone: number } = { backbone: 1 }) {
  const batch: Batch = noiseBatch(2, 32, 3)
  const { parameters } = trainStepGraph(model, 2, 32, 32)
  return withTrainer({ size: 2, side: 32, backbone }, async (trainer) => {
    const before = trainer.weights()
    await trainer.step(batch, hyper)
    const after = trainer.weights()
    return [named(parameters, before), named(parameters, after)] as const
  })
}

function named(parameters: readonly Parameter[], flat: Float32Array): (name: string) => Float32Array {
  return (wanted) => {
    const at = parameters.findIndex(({ name }) => name === wanted)
    const start = parameters.slice(0, at).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    return flat.slice(start, start + sizeOf(parameters[at]!.shape))
  }
}

async function hashOfTraining(seed: number): Promise<string> {
  return withTrainer({ size: 2, side: 32, seed }, async (trainer) => {
    for (let step = 0; step < 10; step++) await trainer.step(noiseBatch(2, 32, 3, 4, step), hyper)
    return createHash('sha256').update(trainer.weights()).digest('hex')
  })
}
