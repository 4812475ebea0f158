import { auto, choice, defineStudy, logint, loguniform, maximize, minimize, openSplits, trainModel } from 'panoptune'

/**
 * Panoptic quality against the time that a prediction takes: no network is best at both, so the result is a front. The
 * time is that of predicting and scoring all validation images, which other work on the machine lengthens.
 */
export default defineStudy({
  name: 'search_demo',
  goals: [maximize('pq'), minimize('ms_per_image')],

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    /** Training steps. */
    steps: 360,
  },

  space: {
    width: logint(8, 48, { default: 16 }),
    head: choice(32, 16, 64),
    center: loguniform(2, 200, { default: 20 }),
    lr: loguniform(1e-3, 3e-2, { default: 7e-3 }),
  },

  sampler: auto(),
  budget: { trials: 40, steps: 1 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ width, head, center, lr }, trial) {
    const { train, val } = trial.data
    const { size, batch, steps } = trial.settings
    const channels = 8 * Math.ceil(width / 8)
    const model = {
      name: 'panoptic_deeplab',
      backbone: { name: 'plain', widths: [1, 2, 4, 8].map((times) => times * channels) },
      semantic: { head },
      instance: { head },
    } as const
    const weights = { semantic: 1, center, offset: 0.1 }
    for await (const trained of trainModel({
      trial,
      set: train,
      crop: size,
      batch,
      every: steps,
      model,
      weights,
      lr,
    })) {
      const scores = await trained.score(val)
      const start = performance.now()
      await trained.score(val)
      yield { ...scores, ms_per_image: (performance.now() - start) / val.scenes.length }
    }
  },
})
