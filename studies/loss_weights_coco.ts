import { asha, choice, defineStudy, loguniform, maximize, openSplits, tpe, trainPanopticDeepLab } from 'panoptune'

/**
 * The loss weights on photographs of your own: a directory in the COCO panoptic format, given by `--set data=DIR`.
 * Networks train on crops at full resolution and are scored on whole images.
 */
export default defineStudy({
  name: 'loss_weights_coco',
  goal: maximize('pq_things'),

  settings: {
    data: '',
    /** Take at most so many images of each split; 0 takes all. */
    limit: 0,
    /** Side of the training crops, in pixels. */
    crop: 128,
    batch: 4,
    /** Training steps between two reports. */
    every: 50,
  },

  space: {
    center: loguniform(0.2, 2_000, { default: 200 }),
    offset: loguniform(1e-4, 1, { default: 0.01 }),
    lr: loguniform(3e-4, 3e-2, { default: 3e-3 }),
    backbone: loguniform(0.1, 10, { default: 1 }),
    schedule: choice('poly', 'step'),
  },

  sampler: tpe(),
  pruner: asha({ first: 1, eta: 3 }),
  budget: { trials: 24, steps: 9 },

  prepare: ({ settings: { data, limit }, cacheDir, progress }) => openSplits({ data, limit, cacheDir, progress }),

  async *objective({ center, offset, lr, backbone, schedule }, trial) {
    const { train, val, heldOut } = trial.data
    const { crop, batch, every } = trial.settings
    const weights = { semantic: 1, center, offset }
    const run = trainPanopticDeepLab({ trial, set: train, crop, batch, every, weights, lr, backbone, schedule })
    for await (const model of run) {
      const scores = await model.score(val)
      yield model.isLast ? { ...scores, held_out_pq: (await model.score(heldOut, 'held_out')).pq } : scores
    }
  },
})
