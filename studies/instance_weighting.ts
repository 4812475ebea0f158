import { choice, defineStudy, grid, maximize, openSplits, trainModel, type TrainOptions } from 'panoptune'

/** What each variant changes in a training. */
const variants = {
  'small x 3': {},
  'small x 1': { targets: { smallInstanceWeight: 1 } },
  'cross-entropy': { losses: { instances: 'cross_entropy' } },
  'cross-entropy + 1': { losses: { instances: { kind: 'cross_entropy', floor: 1 } } },
  inconsistency: { losses: { instances: 'inconsistency' } },
  'inconsistency + 1': { losses: { instances: { kind: 'inconsistency', floor: 1 } } },
} as const satisfies Record<string, Partial<TrainOptions>>

/**
 * Which pixels the losses should look at: those of small instances three times, as Panoptic-DeepLab does, or those of
 * instances that the network gets wrong, alone or on top of a floor. `semantic_pixels` says what part of the pixels a loss
 * is made of, and `semantic_gradient` what part of the gradient.
 */
export default defineStudy({
  name: 'instance_weighting',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    every: 180,
  },

  space: {
    weighting: choice(
      'small x 3',
      'small x 1',
      'cross-entropy',
      'cross-entropy + 1',
      'inconsistency',
      'inconsistency + 1',
    ),
  },

  sampler: grid({ repeats: 5 }),
  budget: { trials: 30, steps: 3 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ weighting }, trial) {
    const { train, val } = trial.data
    const { size, batch, every } = trial.settings
    const run = trainModel({ trial, set: train, crop: size, batch, every, ...variants[weighting] })
    for await (const model of run) yield { ...(await model.score(val)), ...(await model.terms()) }
  },
})
