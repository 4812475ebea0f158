import { fileURLToPath } from 'node:url'
import { asha, command, defineStudy, loguniform, maximize, splitsDir, tpe, type PrepareContext } from 'panoptune'
import { openEvalSet } from 'panoptune/eval'

const settings = {
  /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
  data: 'shapes',
  /** Side of the generated scenes, and of the images as the network sees them, in pixels. */
  size: 64,
  batch: 8,
  /** One that has PyTorch, NumPy and Pillow. */
  python: 'python3',
}

const trainer = fileURLToPath(new URL('../examples/pytorch/train.py', import.meta.url))

/** The trainer reads the data itself; its predictions are scored here, against ground truth that is read once. */
async function prepare({ settings: { data, size }, cacheDir, progress }: PrepareContext<typeof settings>) {
  const dir = await splitsDir({ data, size, cacheDir, progress })
  return { dir, val: await openEvalSet({ dir, split: 'val', cacheDir, progress }) }
}

/** The loss weights and the learning rate of a trainer that is written in Python: examples/pytorch. */
export default defineStudy({
  name: 'pytorch_loss_weights',
  goal: maximize('pq'),
  settings,

  space: {
    center: loguniform(0.2, 2_000, { default: 200 }),
    offset: loguniform(1e-4, 1, { default: 0.01 }),
    lr: loguniform(3e-4, 3e-2, { default: 3e-3 }),
  },

  sampler: tpe({ startup: 8 }),
  pruner: asha({ first: 2, eta: 3 }),
  budget: { trials: 24, steps: 18 },

  prepare,

  objective: command(
    ({ center, offset, lr }, { settings: { python, size, batch }, data: { dir } }) =>
      [python, trainer, '--data', dir, '--size', size, '--batch', batch, '--center', center, '--offset', offset, '--lr', lr], // prettier-ignore
    { truth: ({ data }) => data.val },
  ),
})
