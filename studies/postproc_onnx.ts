import { defineStudy, int, logint, maximize, onnx, tpe, uniform } from 'panoptune'

/**
 * How the outputs of an exported model should become segments: `--set model=FILE`, which `tune export --onnx` wrote. The
 * model sees each image once; what is not searched here stays as it was exported.
 */
export default defineStudy({
  name: 'postproc_onnx',
  goal: maximize('pq'),

  settings: {
    model: 'model.onnx',
    /** `shapes` (made on first use), or a directory in the COCO panoptic format. */
    data: 'shapes',
    /** Side of the generated scenes, in pixels. */
    size: 64,
    split: 'val',
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
  budget: { trials: 300 },

  objective: onnx(
    (settings) => settings,
    ({ threshold, reach, topK, stuffShare }) =>
      (height, width) => ({ threshold, nmsKernel: 2 * reach + 1, topK, stuffArea: stuffShare * height * width }),
  ),
})
