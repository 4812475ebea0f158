import { choice, defineStudy, grid, loguniform, maximize, openSplits, ordinal, trainModel } from 'panoptune'

/**
 * How the learning rate should follow the batch size when every trial sees as many crops, and whether batches of four,
 * whose gradients are added up, do what one large batch does.
 */
export default defineStudy({
  name: 'batch_lr',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    /** Crops between two reports, a multiple of 32. */
    crops: 640,
  },

  space: {
    batch: ordinal(4, 8, 16, 32),
    taken: choice('at once', 'in fours'),
    lr: loguniform(3e-4, 3e-2, { default: 3e-3 }),
  },

  sampler: grid({ levels: 5 }),
  budget: { trials: 40, steps: 3 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ batch, taken, lr }, trial) {
    const { train, val } = trial.data
    const { size, crops } = trial.settings
    const batches = taken === 'at once' ? { batch } : { batch: 4, accumulate: batch / 4 }
    const run = trainModel({ trial, set: train, crop: size, every: crops / batch, lr, ...batches })
    for await (const model of run) yield await model.score(val)
  },
})
