import {
  choice,
  defineStudy,
  grid,
  maximize,
  networkOutputs,
  openPostprocessing,
  openSplits,
  withOracles,
} from 'panoptune'

/**
 * What each head of a network has left to learn: panoptic quality with the ground truth in the place of any of them, as
 * table 2 of the Panoptic-DeepLab report. With all four and no least area for stuff it is 100: what is missing then is the
 * decoder's own.
 */
export default defineStudy({
  name: 'oracle',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    /** Training steps of the network. */
    steps: 600,
    /** Stuff of less than this share of the image becomes void. */
    stuffShare: 0.01,
  },

  space: {
    semantic: choice('network', 'truth'),
    foreground: choice('network', 'truth'),
    center: choice('network', 'truth'),
    offset: choice('network', 'truth'),
    stuffArea: choice('scaled', 'none'),
  },

  sampler: grid(),
  executor: 'inline',
  budget: { trials: 32 },

  async prepare({ settings, cacheDir, progress }) {
    const { size, batch, steps } = settings
    const splits = await openSplits({ ...settings, cacheDir, progress })
    const { val } = await networkOutputs(splits, { crop: size, batch, steps }, { cacheDir, progress })
    return { set: splits.val, outputs: val }
  },

  async *objective({ stuffArea, ...heads }, trial) {
    const { set, outputs } = trial.data
    const share = stuffArea === 'none' ? 0 : trial.settings.stuffShare
    const oracles = {
      semantic: heads.semantic === 'truth',
      foreground: heads.foreground === 'truth',
      center: heads.center === 'truth',
      offset: heads.offset === 'truth',
    }
    const scorer = openPostprocessing(set, withOracles(set, outputs, oracles))
    yield scorer.score((height, width) => ({ nmsKernel: 7, stuffArea: share * height * width }))
  },
})
