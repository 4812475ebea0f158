import { asha, choice, defineStudy, loguniform, maximize, openSplits, tpe, trainModel } from 'panoptune'

/**
 * Which loss weights, learning rate, schedule and backbone multiplier to train a Panoptic-DeepLab with. The semantic
 * weight stays 1: under AdamW only the ratios of the three matter. The defaults are those of the paper's code, and
 * trial 0 is always they.
 */
export default defineStudy({
  name: 'loss_weights',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    /** Side of the generated scenes and of the training crops, in pixels. */
    size: 64,
    batch: 4,
    /** Training steps between two reports. */
    every: 60,
  },

  space: {
    center: loguniform(0.2, 2_000, { default: 200 }),
    offset: loguniform(1e-4, 1, { default: 0.01 }),
    lr: loguniform(3e-4, 3e-2, { default: 3e-3 }),
    backbone: loguniform(0.1, 10, { default: 1 }),
    schedule: choice('poly', 'step'),
  },

  sampler: tpe({ startup: 12 }),
  pruner: asha({ first: 1, eta: 3 }),
  budget: { trials: 24, steps: 9 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ center, offset, lr, backbone, schedule }, trial) {
    const { train, val, heldOut } = trial.data
    const { size, batch, every } = trial.settings
    const weights = { semantic: 1, center, offset }
    const run = trainModel({ trial, set: train, crop: size, batch, every, weights, lr, backbone, schedule })
    for await (const model of run) {
      const scores = await model.score(val)
      // The held-out scenes decide nothing: they say what the winner is worth on scenes that the search never saw.
      yield model.isLast ? { ...scores, held_out_pq: (await model.score(heldOut, 'held_out')).pq } : scores
    }
  },
})
