import {
  asha,
  choice,
  defineStudy,
  loguniform,
  maximize,
  openSplits,
  ordinal,
  tpe,
  trainModel,
  uniform,
} from 'panoptune'

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
    every: 100,
  },

  space: {
    center: loguniform(0.2, 2_000, { default: 200 }),
    offset: loguniform(1e-4, 1, { default: 0.01 }),
    lr: loguniform(3e-4, 3e-2, { default: 3e-3 }),
    backbone: loguniform(0.1, 10, { default: 1 }),
    schedule: choice('poly', 'step'),
    /** The part of the pixels, those with the largest loss, that the semantic loss averages over. */
    hardPixels: ordinal(0.2, 0.5, 1),
    /** The heat that makes a centre. It belongs to the centre weight: a heavier one makes hotter centres. */
    threshold: uniform(0.02, 0.5, { default: 0.1 }),
  },

  sampler: tpe(),
  pruner: asha({ first: 3, eta: 3 }),
  budget: { trials: 24, steps: 9 },

  prepare: ({ settings: { data, limit }, cacheDir, progress }) => openSplits({ data, limit, cacheDir, progress }),

  async *objective({ center, offset, lr, backbone, schedule, hardPixels, threshold }, trial) {
    const { train, val, heldOut } = trial.data
    const { crop, batch, every } = trial.settings
    const weights = { semantic: 1, center, offset }
    const run = trainModel({
      trial,
      set: train,
      crop,
      batch,
      every,
      weights,
      lr,
      backbone,
      schedule,
      losses: { semantic: { kind: 'cross_entropy', hardPixels } },
      decode: { threshold },
    })
    for await (const model of run) {
      const scores = await model.score(val)
      if (model.isLast) {
        const { pq, pq_things } = await model.score(heldOut, 'held_out')
        yield { ...scores, held_out_pq: pq, held_out_pq_things: pq_things }
      } else yield scores
    }
  },
})
