import { defineStudy, loguniform, maximize, openSplits, trainModel } from 'panoptune'

/** What one stage does otherwise than the others. */
export interface Stage {
  readonly name: string
  /** The stage whose best network it begins from. Default: it begins anew. */
  readonly after?: string
  /** Parts that stay as they are, running statistics included. Default: none. */
  readonly freeze?: readonly string[]
  readonly weights?: { readonly semantic: number; readonly center?: number; readonly offset?: number }
  /** The learning rate that its search begins from. */
  readonly lr: number
  readonly goal: 'pq' | 'pq_stuff'
  /** Scenes that it trains on. Default: all. */
  readonly scenes?: number
}

export const semanticBranch = ['backbone', 'semantic']
export const instanceBranch = ['instance', 'center', 'offset']

export const model = {
  name: 'panoptic_deeplab',
  neck: { name: 'aspp' },
  split: 'neck',
  instance: { embed: 8 },
} as const

/** One of five stages: each searches its learning rate, and the next one begins from its best network. */
export function stage({ name, after, freeze = [], weights, lr, goal, scenes }: Stage) {
  return defineStudy({
    name,
    goal: maximize(goal),
    settings: { data: 'shapes', size: 64, batch: 4, every: 100 },
    space: { lr: loguniform(lr / 10, lr * 10, { default: lr }) },
    budget: { trials: 6, steps: 3 },

    async prepare({ settings, cacheDir, progress, bestOf }) {
      const { train, val } = await openSplits({ ...settings, ...(scenes && { limit: scenes }), cacheDir, progress })
      return { train, val, from: after === undefined ? {} : { from: { file: bestOf(after) } } }
    },

    async *objective({ lr }, trial) {
      const { train, val, from } = trial.data
      const { size: crop, batch, every } = trial.settings
      const options = { model, crop, batch, every, lr, freeze, ...(weights && { weights }), ...from }
      for await (const trained of trainModel({ trial, set: train, ...options })) yield await trained.score(val)
    },
  })
}
