import { choice, defineStudy, grid, maximize, minimize, openSplits, trainModel } from 'panoptune'

/** Small ones of about 14 million MACs with their heads at 64 x 64, large ones of about 26 million. */
const backbones = {
  small: {
    plain: { name: 'plain', widths: [16, 32, 64, 128] },
    resnet: { name: 'resnet', depth: 18, width: 8 },
    mobilenet: { name: 'mobilenet', width: 0.35 },
    convnext: { name: 'convnext', width: 16 },
  },
  large: {
    plain: { name: 'plain', widths: [32, 64, 128, 256] },
    resnet: { name: 'resnet', depth: 18, width: 24 },
    mobilenet: { name: 'mobilenet', width: 0.75 },
    convnext: { name: 'convnext', width: 32 },
  },
} as const

/** Which backbone gives most panoptic quality for its cost. */
export default defineStudy({
  name: 'backbones',
  goals: [maximize('pq'), minimize('million_macs')],

  settings: {
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    size: 64,
    batch: 4,
    every: 180,
  },

  space: {
    scale: choice('small', 'large'),
    backbone: choice('plain', 'resnet', 'mobilenet', 'convnext'),
  },

  sampler: grid({ repeats: 3 }),
  budget: { trials: 24, steps: 3 },

  prepare: ({ settings, cacheDir, progress }) => openSplits({ ...settings, cacheDir, progress }),

  async *objective({ scale, backbone }, trial) {
    const { train, val } = trial.data
    const { size, batch, every } = trial.settings
    const model = { name: 'panoptic_deeplab', backbone: backbones[scale][backbone] } as const
    for await (const trained of trainModel({ trial, set: train, crop: size, batch, every, model })) {
      const { macs } = trained.describe(size, size)
      yield { ...(await trained.score(val)), million_macs: macs / 1e6 }
    }
  },
})
