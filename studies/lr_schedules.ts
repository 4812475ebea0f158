import { asha, defineStudy, loguniform, maximize, oneOf, openSplits, tpe, trainModel, uniform } from 'panoptune'

/** How the learning rate should run: which schedule, with what shape, after how long a warm-up. */
export default defineStudy({
  name: 'lr_schedules',
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
    schedule: oneOf({
      poly: { power: uniform(0.5, 2, { default: 0.9 }) },
      step: { factor: loguniform(0.01, 0.5, { default: 0.1 }) },
      cosine: {},
      constant: {},
    }),
    /** Share of all steps. */
    warmup: uniform(0, 0.2, { default: 0.05 }),
  },

  sampler: tpe(),
  pruner: asha({ first: 1, eta: 3 }),
  budget: { trials: 24, steps: 9 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ lr, schedule, warmup }, trial) {
    const { train, val, heldOut } = trial.data
    const { size, batch, every } = trial.settings
    const run = trainModel({
      trial,
      set: train,
      crop: size,
      batch,
      every,
      lr,
      schedule: { ...schedule, warmup },
    })
    for await (const model of run) {
      const scores = await model.score(val)
      yield model.isLast ? { ...scores, held_out_pq: (await model.score(heldOut, 'held_out')).pq } : scores
    }
  },
})
