import { expect, test } from 'vitest'
import type { Hyper } from '../../../src/models/step_values.ts'
import { openTrainer, type TrainerOptions } from '../../../src/models/trainer.ts'
import { buildModel } from '../../../src/models/zoo.ts'
import { noiseBatch } from '../batches.ts'
import { cpu, relativeError } from '../graph/gradient_error.ts'

const model = buildModel({ name: 'panoptic_deeplab', backbone: { name: 'plain', widths: [8, 16, 16] } }, 3, [1, 2])
const hyper: Hyper = { lr: 3e-3, weightDecay: 0, clip: 1e9, weights: { semantic: 1, center: 200, offset: 1e-4 } }

/** The weights of the network after some steps on one batch, what each term then counted with, and how it stood. */
async function train(steps: number, options: Partial<TrainerOptions> = {}) {
  const batch = noiseBatch(2, 32, 3)
  const trainer = await openTrainer({
    model,
    batchSize: 2,
    height: 32,
    width: 32,
    seed: 1,
    device: cpu,
    losses: { weighting: 'learned' },
    ...options,
  })
  try {
    const hypers = Array.from({ length: steps }, () => hyper)
    const results = await trainer.steps({ next: async () => batch }, hypers)
    return { weights: trainer.state().state.weights, last: results.at(-1)! }
  } finally {
    await trainer.close()
  }
}

test('learned weights fall for a term that is large, and rise for one that is small', async () => {
  const { last } = await train(20)
  // s stands still where exp(-s) w L = 1/2.
  expect(hyper.weights.semantic! * last.losses.semantic!).toBeGreaterThan(0.5)
  expect(last.weights.semantic).toBeLessThan(0.98 * hyper.weights.semantic!)
  expect(hyper.weights.offset! * last.losses.offset!).toBeLessThan(0.5)
  expect(last.weights.offset).toBeGreaterThan(1.02 * hyper.weights.offset!)
})

test('learned weights stay as given where the layer `loss` has a rate of 0', async () => {
  const { last } = await train(3, { groups: [{ pattern: 'loss.*', lr: 0 }] })
  expect(last.weights).toEqual({ semantic: 1, center: 200, offset: expect.closeTo(1e-4, 9) })
})

test('M10: learned weights, too, are the same after a step of two equal batches as after one of one', async () => {
  const [once, twice] = [await train(5), await train(5, { accumulate: 2 })]
  expect(relativeError(twice.weights, once.weights)).toBeLessThan(1e-5)
  expect(twice.last.weights.center! / once.last.weights.center!).toBeCloseTo(1, 5)
})
