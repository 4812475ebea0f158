import { choice, defineStudy, grid, loguniform, maximize, openSplits, trainedNetwork, trainModel } from 'panoptune'
import { instanceBranch, model, semanticBranch } from './staged/stage.ts'

/**
 * Five stages, each from the checkpoint of the one before: the semantic branch, the instance branch, both together, then
 * each again on fewer scenes. The first two are trained once; the third, which is varied, and what follows from it are
 * trained in every trial.
 */
export default defineStudy({
  name: 'stages',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    /** Training steps of each of the first two stages. */
    steps: 300,
    /** Training steps of each of the last three. */
    every: 100,
    /** Scenes of the last two stages. */
    audited: 64,
  },

  space: {
    lr: loguniform(2e-5, 2e-3, { default: 2e-4 }),
    semantic: choice(1, 5),
    weighting: choice('none', 'cross_entropy'),
  },

  sampler: grid({ levels: 3 }),
  budget: { trials: 12, steps: 3 },

  async prepare({ settings, cacheDir, progress }) {
    const { size: crop, batch, steps, audited } = settings
    const splits = await openSplits({ ...settings, cacheDir, progress })
    const few = await openSplits({ ...settings, limit: audited, cacheDir, progress })
    const train = (options: object) =>
      trainedNetwork(splits.train, { model, crop, batch, steps, ...options }, { cacheDir, progress })
    const first = await train({ weights: { semantic: 1 } })
    const second = await train({ from: { file: first }, freeze: semanticBranch })
    return { ...splits, audited: few.train, start: second }
  },

  async *objective({ lr, semantic, weighting }, trial) {
    const { train, audited, val, start } = trial.data
    const { size: crop, batch, every } = trial.settings
    const weights = { semantic, center: 200, offset: 0.01 }
    const stages = [
      { set: train, lr, weights, losses: weighting === 'none' ? {} : { instances: weighting } },
      { set: audited, lr: 2e-4, freeze: instanceBranch },
      { set: audited, lr: 2e-4, freeze: semanticBranch },
    ]
    let file = start
    for (const stage of stages) {
      const run = trainModel({ trial: { ...trial, maxSteps: 1 }, model, crop, batch, every, from: { file }, ...stage })
      for await (const trained of run) {
        yield await trained.score(val)
        file = trained.file
      }
    }
  },
})
