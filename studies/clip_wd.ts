import { asha, choice, defineStudy, loguniform, maximize, oneOf, openSplits, sobol, trainModel } from 'panoptune'

const clippings = {
  none: { clipping: 'none' },
  'value 1': { clipping: 'value', clip: 1 },
  'norm 5': { clipping: 'norm', clip: 5 },
  'norm 1': { clipping: 'norm', clip: 1 },
  'norm 0.1': { clipping: 'norm', clip: 0.1 },
  'norm 0.01': { clipping: 'norm', clip: 0.01 },
} as const

/**
 * How gradients should be clipped and weights decay, under which optimizer. Each optimizer is searched at learning rates
 * of its own. All trials are spread evenly over the space: the summary says what was shown to matter.
 */
export default defineStudy({
  name: 'clip_wd',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    every: 60,
  },

  space: {
    optimizer: oneOf({
      adam: { lr: loguniform(3e-4, 3e-2, { default: 3e-3 }) },
      adamw: { lr: loguniform(3e-4, 3e-2, { default: 3e-3 }) },
      sgd: { lr: loguniform(1e-3, 1, { default: 3e-2 }) },
    }),
    clipping: choice('none', 'value 1', 'norm 5', 'norm 1', 'norm 0.1', 'norm 0.01'),
    weightDecay: choice(0, 1e-4, 0.05),
  },

  sampler: sobol(),
  pruner: asha({ first: 1, eta: 3 }),
  budget: { trials: 48, steps: 9 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ optimizer, clipping, weightDecay }, trial) {
    const { train, val, heldOut } = trial.data
    const { size, batch, every } = trial.settings
    const run = trainModel({
      trial,
      set: train,
      crop: size,
      batch,
      every,
      optimizer: optimizer.kind,
      lr: optimizer.lr,
      weightDecay,
      ...clippings[clipping],
    })
    for await (const model of run) {
      const scores = await model.score(val)
      yield model.isLast ? { ...scores, held_out_pq: (await model.score(heldOut, 'held_out')).pq } : scores
    }
  },
})
