import { count, oneOf } from '../config.ts'
import { add } from '../graph/arithmetic.ts'
import { inLayer, sizes4, type Tensor } from '../graph/graph.ts'
import { maxPool } from '../graph/pooling.ts'
import { bareConv, convNormRelu, normRelu } from '../layers.ts'
import type { Norm } from '../norm.ts'
import { steps, type Backbone } from './backbone.ts'

const options = {
  /** 10 and 18 of blocks with two 3 x 3 convolutions, 50 of bottlenecks. Default 18. */
  depth: oneOf([10, 18, 50], 18),
  /** Channels of the first stage's 3 x 3 convolutions; they double from stage to stage. Default 16; the paper's: 64. */
  width: count(16),
  /** One 7 x 7 convolution, or three of 3 x 3, as in detectron2's R52. Default 7x7. */
  stem: oneOf(['7x7', '3x3'], '7x7'),
  /** Coarsest stride; below 32 the last stages dilate in place of stepping. Default 32. */
  outputStride: oneOf([8, 16, 32], 32),
}

const BLOCKS = { 10: [1, 1, 1, 1], 18: [2, 2, 2, 2], 50: [3, 4, 6, 3] } as const
/** Channels of a bottleneck's sum to those of its 3 x 3 convolution. */
const EXPANSION = 4

/** ResNet v2 (He et al. 2016): normalised and activated before each convolution, so that nothing is in a sum's way. */
export const resnet: Backbone<typeof options> = {
  options,
  stride: ({ outputStride }) => outputStride,
  features(images, { depth, width, stem, outputStride }, norm) {
    return inLayer(images.graph, 'backbone', () => {
      const features: Tensor[] = []
      let flow = stemOf(images, width, stem, norm)
      for (const [i, blocks] of BLOCKS[depth].entries()) {
        const step = steps(i === 0 ? 1 : 2, 4 * 2 ** i, outputStride)
        flow = stage(`stage${i + 1}`, flow, blocks, { width: width * 2 ** i, isBottleneck: depth >= 50, ...step, norm })
        features.push(flow.active)
      }
      return features
    })
  },
}

/** What runs from block to block: the sum so far, and what the next convolutions and the necks see of it. */
interface Flow {
  readonly sum: Tensor
  readonly active: Tensor
}

interface Block {
  readonly width: number
  readonly isBottleneck: boolean
  readonly stride: number
  readonly dilation: number
  readonly norm: Norm
}

function stemOf(images: Tensor, width: number, kind: '7x7' | '3x3', norm: Norm): Flow {
  return inLayer(images.graph, 'stem', () => {
    const pooled = maxPool(kind === '7x7' ? wideStem(images, width) : deepStem(images, width, norm), {
      kernel: 3,
      stride: 2,
    })
    return { sum: pooled, active: normRelu('norm', pooled, norm) }
  })
}

function wideStem(images: Tensor, channels: number): Tensor {
  return bareConv('conv', images, { channels, kernel: 7, stride: 2 })
}

function deepStem(images: Tensor, channels: number, norm: Norm): Tensor {
  const first = convNormRelu('conv1', images, { channels, kernel: 3, stride: 2, norm })
  const second = convNormRelu('conv2', first, { channels, kernel: 3, norm })
  return bareConv('conv3', second, { channels: 2 * channels, kernel: 3 })
}

/** Only the first block of a stage steps. */
function stage(name: string, flow: Flow, blocks: number, options: Block): Flow {
  return inLayer(flow.sum.graph, name, () => {
    let last = flow
    for (let i = 0; i < blocks; i++) last = block(`block${i + 1}`, last, i === 0 ? options : { ...options, stride: 1 })
    return last
  })
}

function block(name: string, flow: Flow, options: Block): Flow {
  return inLayer(flow.sum.graph, name, () => {
    const residual = options.isBottleneck ? bottleneck(flow.active, options) : twoConvs(flow.active, options)
    const sum = add(shortcut(flow, sizes4(residual)[1], options.stride), residual)
    return { sum, active: normRelu('norm', sum, options.norm) }
  })
}

function shortcut({ sum, active }: Flow, channels: number, stride: number): Tensor {
  const isSame = stride === 1 && sizes4(sum)[1] === channels
  return isSame ? sum : bareConv('shortcut', active, { channels, kernel: 1, stride })
}

function twoConvs(x: Tensor, { width, stride, dilation, norm }: Block): Tensor {
  const first = convNormRelu('conv1', x, { channels: width, kernel: 3, stride, dilation, norm })
  return bareConv('conv2', first, { channels: width, kernel: 3, dilation })
}

function bottleneck(x: Tensor, { width, stride, dilation, norm }: Block): Tensor {
  const narrow = convNormRelu('conv1', x, { channels: width, kernel: 1, norm })
  const seen = convNormRelu('conv2', narrow, { channels: width, kernel: 3, stride, dilation, norm })
  return bareConv('conv3', seen, { channels: EXPANSION * width, kernel: 1 })
}
