import { asha, defineStudy, loguniform, maximize, openSplits, ordinal, tpe, trainModel } from 'panoptune'

/** How fast the backbone should learn beside the heads. 0 freezes it. */
export default defineStudy({
  name: 'backbone_lr_mult',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    every: 60,
  },

  space: {
    lr: loguniform(3e-4, 3e-2, { default: 3e-3 }),
    backbone: ordinal(1, 0.3, 0.1, 0.03, 0.01, 0),
  },

  sampler: tpe(),
  pruner: asha({ first: 1, eta: 3 }),
  budget: { trials: 24, steps: 9 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ lr, backbone }, trial) {
    const { train, val, heldOut } = trial.data
    const { size, batch, every } = trial.settings
    const run = trainModel({ trial, set: train, crop: size, batch, every, lr, backbone })
    for await (const model of run) {
      const scores = await model.score(val)
      yield model.isLast ? { ...scores, held_out_pq: (await model.score(heldOut, 'held_out')).pq } : scores
    }
  },
})
