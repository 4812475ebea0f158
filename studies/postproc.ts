import {
  defineStudy,
  int,
  logint,
  maximize,
  networkOutputs,
  openPostprocessing,
  openSplits,
  tpe,
  uniform,
} from 'panoptune'

/**
 * How the outputs of a network should become segments. Nothing is trained but one network, once: its outputs are kept,
 * gathered by what post-processing cannot change, and scored again exactly for every choice.
 */
export default defineStudy({
  name: 'postproc',
  goal: maximize('pq'),

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    /** Training steps of the network. */
    steps: 600,
  },

  space: {
    /** Heat that a centre has to exceed. */
    threshold: uniform(0, 0.8, { default: 0.1 }),
    /** Pixels around a centre in which nothing may be hotter: the window's side is twice that and one. */
    reach: int(1, 20, { default: 3 }),
    topK: logint(2, 200, { default: 200 }),
    /** Stuff of less than this share of the image becomes void. */
    stuffShare: uniform(0, 0.1, { default: 0.01 }),
  },

  sampler: tpe(),
  executor: 'inline',
  budget: { trials: 300 },

  async prepare({ settings, cacheDir, progress }) {
    const { size, batch, steps } = settings
    const splits = await openSplits({ ...settings, cacheDir, progress })
    const outputs = await networkOutputs(splits, { crop: size, batch, steps }, { cacheDir, progress })
    return {
      val: openPostprocessing(splits.val, outputs.val),
      heldOut: openPostprocessing(splits.heldOut, outputs.heldOut),
    }
  },

  async *objective({ threshold, reach, topK, stuffShare }, trial) {
    const decoding = (height: number, width: number) => ({
      threshold,
      nmsKernel: 2 * reach + 1,
      topK,
      stuffArea: stuffShare * height * width,
    })
    const scores = trial.data.val.score(decoding)
    const heldOut = trial.data.heldOut.score(decoding, { dir: trial.dir, name: 'held_out' })
    yield { ...scores, held_out_pq: heldOut.pq }
  },
})
