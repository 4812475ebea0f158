import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/models/batch.ts'
import type { TrainState } from '../../src/models/checkpoint.ts'
import { keptBy } from '../../src/models/train_state.ts'
import type { StepResult } from '../../src/models/step_result.ts'
import type { Hyper } from '../../src/models/step_values.ts'
import { openTrainer, type Trainer, type TrainerOptions } from '../../src/models/trainer.ts'
import { buildModel } from '../../src/models/zoo.ts'
import { sizeOf, type Buffer, type Parameter } from '../../src/models/graph/graph.ts'
import { noiseBatch, squareBatch } from './batches.ts'
import { cpu, relativeError } from './graph/gradient_error.ts'

const small = {
  name: 'panoptic_deeplab',
  backbone: { name: 'plain', widths: [8, 16, 16] },
  semantic: { channels: 16, head: 16 },
  instance: { channels: 16, head: 16 },
} as const
const model = buildModel(small, 3, [1, 2])
const hyper: Hyper = { lr: 3e-3, weightDecay: 0.01, clip: 10, weights: { semantic: 1, center: 20, offset: 0.1 } }

test('training on one image learns it: losses fall and 95 % of the classes are right', async () => {
  const batch = squareBatch(64)
  await withTrainer({ size: 1, side: 64 }, async (trainer) => {
    const first = await step(trainer, batch)
    let last = first
    for (let n = 0; n < 150; n++) last = await step(trainer, batch)
    expect(last.losses.semantic).toBeLessThan(first.losses.semantic! / 20)
    expect(last.losses.center).toBeLessThan(first.losses.center! / 5)
    expect(last.losses.offset).toBeLessThan(first.losses.offset! / 4)

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

test('a head whose loss has weight 0 keeps its predictor, but for weight decay (M2)', async () => {
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
  const nothing = { semantic: 0, center: Number.MIN_VALUE, offset: 0 }
  const [before, after] = await weightsAround({ ...hyper, weightDecay: 1, weights: nothing })
  expect(after('decoder.output.scale')).toEqual(before('decoder.output.scale'))
  expect(after('semantic.predictor.bias')).toEqual(before('semantic.predictor.bias'))
  expect(after('decoder.output.weight')).not.toEqual(before('decoder.output.weight'))
})

test('a frozen backbone stays as it is, and nothing else does', async () => {
  const [before, after] = await weightsAround({ ...hyper, frozen: ['backbone'] })
  expect(after('backbone.stage1.weight')).toEqual(before('backbone.stage1.weight'))
  expect(after('backbone.stage3.scale')).toEqual(before('backbone.stage3.scale'))
  expect(after('decoder.output.weight')).not.toEqual(before('decoder.output.weight'))
})

test('all loss weights times ten make no difference to Adam without clipping and decay (M9)', async () => {
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
    await step(trainer, noiseBatch(2, 32, 3))
    const before = weightsOf(trainer)
    const broken = { ...noiseBatch(2, 32, 3), center: new Float32Array(2 * 8 * 8).fill(Number.NaN) }
    await expect(step(trainer, broken)).rejects.toMatchObject({
      name: 'DivergedError',
      message: 'diverged at step 2: center is NaN',
    })
    expect(weightsOf(trainer)).toEqual(before)
  })
})

test('timers fire between steps, so that a stop message can arrive', async () => {
  await withTrainer({ size: 2, side: 32 }, async (trainer) => {
    let fired = 0
    const timer = setInterval(() => fired++, 0)
    for (let n = 0; n < 10; n++) await step(trainer, noiseBatch(2, 32, 3))
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

    await step(trainer, noiseBatch(2, 32, 3))
    const later = await predictor.predict(images, 3)
    expect(later.center).not.toEqual(three.center)
    await predictor.close()
  })
})

describe('batch normalisation', () => {
  const normed = buildModel({ ...small, norm: { name: 'batch' } }, 3, [1, 2])

  test('moves its running statistics in training, and predicts by them', async () => {
    await withTrainer({ size: 2, side: 32, model: normed }, async (trainer) => {
      const before = trainer.state().state.buffers
      await step(trainer, noiseBatch(2, 32, 3))
      const { buffers } = trainer.state().state
      expect(buffers.length).toBe(before.length)
      expect(buffers.every((value, i) => value !== before[i])).toBe(true)
      expect(buffers.every(Number.isFinite)).toBe(true)
    })
  })

  test('keeps weights and statistics of frozen parts to the bit, and only those (M3)', async () => {
    await withTrainer({ size: 2, side: 32, model: normed }, async (trainer) => {
      await step(trainer, noiseBatch(2, 32, 3))
      const { network, state } = trainer.state()
      const frozen = { ...hyper, weightDecay: 0.1, frozen: ['backbone', 'decoder.output'] }
      for (let n = 0; n < 3; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n), frozen)
      const after = trainer.state().state
      const isFrozen = (name: string) => name.startsWith('backbone.') || name.startsWith('decoder.output.')
      for (const kept of ['parameters', 'buffers'] as const) {
        const values = (of: TrainState) => (kept === 'parameters' ? of.weights : of.buffers)
        for (const { name } of network[kept]) {
          const [old, now] = [state, after].map((of) => named(network[kept], values(of))(name))
          expect([name, now!.every((value, i) => value === old![i])]).toEqual([name, isFrozen(name)])
        }
      }
    })
  })
})

test('Adam without weight decay and clipping trains a head alike whatever another loss weighs; SGD does not (M1)', async () => {
  // The backbone and the decoder are frozen: what the semantic head learns is its own business.
  const free = { ...hyper, weightDecay: 0, frozen: ['backbone', 'decoder'] }
  const trained = async (semantic: number, options: Partial<TrainerOptions>) => {
    const weights = { ...hyper.weights, semantic }
    return withTrainer({ size: 2, side: 32, ...options }, async (trainer) => {
      for (let n = 0; n < 5; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n), { ...free, weights })
      const { network, state } = trainer.state()
      return named(network.parameters, state.weights)('semantic.predictor.weight')
    })
  }
  const change = async (options: Partial<TrainerOptions>) => {
    return relativeError(await trained(10, options), await trained(1, options))
  }
  expect(await change({ optimizer: 'adam', clipping: 'none' })).toBeLessThan(1e-3)
  expect(await change({ optimizer: 'sgd', clipping: 'none' })).toBeGreaterThan(0.1)
})

describe('a training that is stopped', () => {
  const dropping = buildModel({ ...small, neck: { name: 'aspp', dropout: 0.5 }, norm: { name: 'batch' } }, 3, [1, 2])

  test.each(['sgd', 'adam', 'adamw'] as const)('goes on to the bit from its state, with %s (M4)', async (optimizer) => {
    const options = { size: 2, side: 32, model: dropping, optimizer, average: 0.9 }
    const whole = await withTrainer(options, async (trainer) => {
      for (let n = 0; n < 6; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n))
      return trainer.state().state
    })
    const half = await withTrainer(options, async (trainer) => {
      for (let n = 0; n < 3; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n))
      return trainer.state()
    })
    const resumed = await withTrainer({ ...options, start: structuredClone({ network: { parameters: half.network.parameters, buffers: half.network.buffers }, state: half.state }) }, async (trainer) => {
      for (let n = 3; n < 6; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n))
      return trainer.state().state
    }) // prettier-ignore
    expect(resumed).toEqual(whole)
  })
})

test('a step of several batches is that of one batch of all their images (M10)', async () => {
  const losses = { semantic: { kind: 'cross_entropy', hardPixels: 1 } } as const
  const whole = noiseBatch(4, 32, 3)
  const half = (from: number): Batch => {
    const cut = <T extends Float32Array | Int32Array>(values: T) =>
      values.slice((from * values.length) / 4, ((from + 2) * values.length) / 4) as T
    const { semantic, images, semanticWeights, center, centerWeights, offset, offsetWeights } = whole
    return {
      size: 2,
      semantic: cut(semantic),
      images: cut(images),
      semanticWeights: cut(semanticWeights),
      center: cut(center),
      centerWeights: new Float32Array(centerWeights.length / 2).fill(1),
      offset: cut(offset),
      offsetWeights: new Float32Array(offsetWeights.length / 2).fill(1),
    }
  }
  const all = { ...whole, centerWeights: whole.centerWeights.map(() => 1), offsetWeights: whole.offsetWeights.map(() => 1) } // prettier-ignore
  const change = (options: Partial<TrainerOptions> & { size: number }, batches: Batch[]) =>
    withTrainer({ side: 32, losses, optimizer: 'sgd', ...options }, async (trainer) => {
      const before = weightsOf(trainer)
      await trainer.steps({ next: async () => batches.shift()! }, [hyper])
      return weightsOf(trainer).map((weight, i) => weight - before[i]!)
    })
  const [once, twice] = [await change({ size: 4 }, [all]), await change({ size: 2, accumulate: 2 }, [half(0), half(2)])]
  expect(relativeError(twice, once)).toBeLessThan(1e-4)
})

test('several steps in one run are bitwise those one by one', async () => {
  const trained = (stepsPerRun: number) =>
    withTrainer({ size: 2, side: 32, stepsPerRun }, async (trainer) => {
      let n = 0
      const next = async () => noiseBatch(2, 32, 3, 4, n++)
      const results = await trainer.steps({ next }, Array.from({ length: 7 }, (_, i) => ({ ...hyper, lr: 1e-3 * (i + 1) })))
      return { results, state: trainer.state().state }
    }) // prettier-ignore
  expect(await trained(3)).toEqual(await trained(1))
})

test('a learned weighting takes what it learned along when another loss joins', async () => {
  await withTrainer({ size: 2, side: 32, losses: { weighting: 'learned' } }, async (trainer) => {
    const two = { ...hyper, weights: { semantic: 1, center: 20 } }
    for (let n = 0; n < 3; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n), two)
    const before = trainer.state()
    const learned = named(before.network.parameters, before.state.weights)('loss.center')[0]
    expect(learned).not.toBe(0)
    const { weights } = await step(trainer, noiseBatch(2, 32, 3), { ...hyper, lr: 0 })
    expect(weights.center).toBeCloseTo(20 * Math.exp(-learned!), 5)
    expect(weights.offset).toBeCloseTo(hyper.weights.offset!, 6)
    const predictor = await trainer.predictor(32, 32, 1)
    expect((await predictor.predict(noiseBatch(1, 32, 3).images, 1)).semantic.length).toBe(32 * 32)
    await predictor.close()
  })
})

test('predictions are made with the average of the weights where one is kept', async () => {
  await withTrainer({ size: 2, side: 32, average: 0.5 }, async (trainer) => {
    for (let n = 0; n < 3; n++) await step(trainer, noiseBatch(2, 32, 3, 4, n))
    const { weights } = keptOf(trainer)
    expect(weights).toEqual(trainer.state().state.slots['average'])
    expect(weights).not.toEqual(weightsOf(trainer))
  })
})

test('a part to freeze that is not there is named, with the one that was meant', async () => {
  await withTrainer({ size: 2, side: 32 }, async (trainer) => {
    await expect(step(trainer, noiseBatch(2, 32, 3), { ...hyper, frozen: ['backbon'] })).rejects.toMatchObject({
      code: 'params/invalid',
      hint: "did you mean 'backbone'?",
    })
  })
})

test('a device that is not there is named, with what to do', async () => {
  const device = { kind: 'cuda', index: 7, threads: 1 } as const
  const trainer = await openTrainer({ model, batchSize: 2, height: 32, width: 32, seed: 1, device })
  await expect(step(trainer, noiseBatch(2, 32, 3))).rejects.toMatchObject({
    code: 'device/none',
    message: expect.stringMatching(/cuda:7/),
    hint: expect.stringMatching(/onnxruntime-node/),
  })
})

async function withTrainer<T>(
  { size, side, ...options }: { size: number; side: number } & Partial<TrainerOptions>,
  use: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await openTrainer({ model, batchSize: size, height: side, width: side, device: cpu, seed: 1, ...options }) // prettier-ignore
  try {
    return await use(trainer)
  } finally {
    await trainer.close()
  }
}

async function step(trainer: Trainer, batch: Batch, how: Hyper = hyper): Promise<StepResult> {
  const [result] = await trainer.steps({ next: async () => batch }, [how])
  return result!
}

function weightsOf(trainer: Trainer): Float32Array {
  return trainer.state().state.weights
}

function keptOf(trainer: Trainer) {
  const { network, state } = trainer.state()
  return keptBy(state, network)
}

/** The parameters before and after one step, by name. */
async function weightsAround(how: Hyper, options: Partial<TrainerOptions> = {}) {
  return withTrainer({ size: 2, side: 32, ...options }, async (trainer) => {
    const { network, state } = trainer.state()
    await step(trainer, noiseBatch(2, 32, 3), how)
    return [named(network.parameters, state.weights), named(network.parameters, weightsOf(trainer))] as const
  })
}

function named(parameters: readonly (Parameter | Buffer)[], flat: Float32Array): (name: string) => Float32Array {
  return (wanted) => {
    const at = parameters.findIndex(({ name }) => name === wanted)
    const start = parameters.slice(0, at).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
    return flat.slice(start, start + sizeOf(parameters[at]!.shape))
  }
}

async function hashOfTraining(seed: number): Promise<string> {
  return withTrainer({ size: 2, side: 32, seed }, async (trainer) => {
    for (let number = 0; number < 10; number++) await step(trainer, noiseBatch(2, 32, 3, 4, number))
    return createHash('sha256').update(weightsOf(trainer)).digest('hex')
  })
}
