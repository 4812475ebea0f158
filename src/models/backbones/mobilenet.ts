import { oneOf, within } from '../config.ts'
import { add } from '../graph/arithmetic.ts'
import { inLayer, sizes4, type Tensor } from '../graph/graph.ts'
import { convNorm, convNormRelu } from '../layers.ts'
import type { Norm } from '../norm.ts'
import { steps, type Backbone } from './backbone.ts'

const options = {
  /** Factor of all channels, which are then rounded to multiples of 8; above 0 and below 2. Default 0.5. */
  width: within(0.01, 2, 0.5),
  /** Coarsest stride; below 32 the last stages dilate in place of stepping. Default 32. */
  outputStride: oneOf([8, 16, 32], 32),
}

const STEM_CHANNELS = 32

/** Table 2 of the paper, `step` being that of a stage's first block and `stride` the one that it comes to. */
const STAGES = [
  { expansion: 1, channels: 16, blocks: 1, step: 1, stride: 2 },
  { expansion: 6, channels: 24, blocks: 2, step: 2, stride: 4 },
  { expansion: 6, channels: 32, blocks: 3, step: 2, stride: 8 },
  { expansion: 6, channels: 64, blocks: 4, step: 2, stride: 16 },
  { expansion: 6, channels: 96, blocks: 3, step: 1, stride: 16 },
  { expansion: 6, channels: 160, blocks: 3, step: 2, stride: 32 },
  { expansion: 6, channels: 320, blocks: 1, step: 1, stride: 32 },
]

/**
 * MobileNetV2 (Sandler et al. 2018) without the last 1 x 1 convolution, which serves its classifier, and with ReLU in
 * place of ReLU6, which serves quantised arithmetic.
 */
export const mobilenet: Backbone<typeof options> = {
  options,
  stride: ({ outputStride }) => outputStride,
  features(images, { width, outputStride }, norm) {
    return inLayer(images.graph, 'backbone', () => {
      const features: Tensor[] = []
      let last = convNormRelu('stem', images, { channels: scaled(STEM_CHANNELS, width), kernel: 3, stride: 2, norm })
      for (const [i, { expansion, channels, blocks, step, stride }] of STAGES.entries()) {
        const block = { expansion, channels: scaled(channels, width), ...steps(step, stride, outputStride), norm }
        last = stage(`stage${i + 1}`, last, blocks, block)
        features.push(last)
      }
      return features
    })
  },
}

interface Block {
  readonly expansion: number
  readonly channels: number
  readonly stride: number
  readonly dilation: number
  readonly norm: Norm
}

/** Only the first block of a stage steps. */
function stage(name: string, x: Tensor, blocks: number, options: Block): Tensor {
  return inLayer(x.graph, name, () => {
    let last = x
    for (let i = 0; i < blocks; i++) {
      last = invertedResidual(`block${i + 1}`, last, i === 0 ? options : { ...options, stride: 1 })
    }
    return last
  })
}

/** Many channels, each convolved on its own, between few, that are summed. */
function invertedResidual(name: string, x: Tensor, { expansion, channels, stride, dilation, norm }: Block): Tensor {
  return inLayer(x.graph, name, () => {
    const [, inputs] = sizes4(x)
    const inner = inputs * expansion
    const expanded = expansion === 1 ? x : convNormRelu('expand', x, { channels: inner, kernel: 1, norm })
    const seen = convNormRelu('depthwise', expanded, {
      channels: inner,
      kernel: 3,
      stride,
      dilation,
      groups: inner,
      norm,
    })
    const y = convNorm('project', seen, { channels, kernel: 1, norm })
    return stride === 1 && inputs === channels ? add(x, y) : y
  })
}

/** The nearest multiple of 8 that does not take more than a tenth away: the rule of the paper's code. */
function scaled(channels: number, factor: number): number {
  const rounded = Math.max(8, Math.floor((channels * factor + 4) / 8) * 8)
  return rounded < 0.9 * channels * factor ? rounded + 8 : rounded
}
