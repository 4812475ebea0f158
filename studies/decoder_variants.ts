import { choice, defineStudy, grid, maximize, openSplits, trainModel, type ModelOptions } from 'panoptune'

/** From the smallest decoder to all of Panoptic-DeepLab's, one part after another. */
const ladder = {
  shared: [],
  '+ dual decoder': ['decoder'],
  '+ dual ASPP': ['decoder', 'aspp'],
  '+ rates': ['decoder', 'aspp', 'rates'],
  '+ semantic width': ['decoder', 'aspp', 'rates', 'semantic'],
  '+ instance width': ['decoder', 'aspp', 'rates', 'semantic', 'instance'],
  '+ embedding': ['decoder', 'aspp', 'rates', 'semantic', 'instance', 'embedding'],
  'all - dual ASPP': ['decoder', 'rates', 'semantic', 'instance', 'embedding'],
  'all - rates': ['decoder', 'aspp', 'semantic', 'instance', 'embedding'],
  'all - semantic width': ['decoder', 'aspp', 'rates', 'instance', 'embedding'],
} as const

function modelOf(variant: keyof typeof ladder): ModelOptions {
  const has = (part: (typeof ladder)['+ embedding'][number]) => ladder[variant].some((each) => each === part)
  return {
    name: 'panoptic_deeplab',
    neck: { name: 'aspp', rates: has('rates') ? [1, 2, 3] : [1, 1, 1] },
    split: has('aspp') ? 'neck' : has('decoder') ? 'decoder' : 'heads',
    semantic: has('semantic') ? { channels: 64, head: 64 } : { channels: 32, head: 32 },
    instance: { head: has('instance') ? 32 : 8, embed: has('embedding') ? 8 : 0 },
  }
}

/** What each part of the decoder is worth, added one by one and taken out of the whole: tables 1 of the papers. */
export default defineStudy({
  name: 'decoder_variants',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    every: 160,
  },

  space: {
    variant: choice(
      'shared',
      '+ dual decoder',
      '+ dual ASPP',
      '+ rates',
      '+ semantic width',
      '+ instance width',
      '+ embedding',
      'all - dual ASPP',
      'all - rates',
      'all - semantic width',
    ),
  },

  sampler: grid({ repeats: 3 }),
  budget: { trials: 30, steps: 3 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ variant }, trial) {
    const { train, val } = trial.data
    const { size, batch, every } = trial.settings
    const run = trainModel({ trial, set: train, crop: size, batch, every, model: modelOf(variant) })
    for await (const model of run) {
      const { macs } = model.describe(size, size)
      yield { ...(await model.score(val)), million_macs: macs / 1e6 }
    }
  },
})
