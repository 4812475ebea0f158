import { count, counts } from '../config.ts'
import { gelu } from '../graph/activations.ts'
import { add, mul, reshape } from '../graph/arithmetic.ts'
import { inLayer, parameter, sizes4, type Tensor } from '../graph/graph.ts'
import { layerNorm } from '../graph/layer_norm.ts'
import { patches } from '../graph/patches.ts'
import { biasedConv } from '../layers.ts'
import type { Backbone } from './backbone.ts'

const options = {
  /** Channels of the first stage; they double from stage to stage. Default 16; those of the tiny one: 96. */
  width: count(16),
  /** Blocks of the stages, which begin at strides 4, 8, 16, ... Default [1, 1, 3, 1]; the tiny one: [3, 3, 9, 3]. */
  blocks: counts([1, 1, 3, 1]),
}

/** What a block's sum starts with of each channel: nearly nothing, so that a deep network starts as a shallow one. */
const LAYER_SCALE = 1e-6

/**
 * ConvNeXt (Liu et al. 2022) as its authors use it for dense predictions: with a normalisation of each feature map. All
 * of its normalisations are over the channels of a pixel, whatever the network's others are.
 */
export const convnext: Backbone<typeof options> = {
  options,
  stride: ({ blocks }) => 2 ** (blocks.length + 1),
  features(images, { width, blocks }) {
    return inLayer(images.graph, 'backbone', () => {
      const features: Tensor[] = []
      let last = norm('norm', patchConv('stem', images, 4, width))
      for (const [i, depth] of blocks.entries()) {
        const entered = i === 0 ? last : step(`step${i}`, last, width * 2 ** i)
        last = stage(`stage${i + 1}`, entered, depth)
        features.push(norm(`norm${i + 1}`, last))
      }
      return features
    })
  },
}

function step(name: string, x: Tensor, channels: number): Tensor {
  return inLayer(x.graph, name, () => patchConv('conv', norm('norm', x), 2, channels))
}

function stage(name: string, x: Tensor, blocks: number): Tensor {
  return inLayer(x.graph, name, () => {
    let last = x
    for (let i = 0; i < blocks; i++) last = block(`block${i + 1}`, last)
    return last
  })
}

function block(name: string, x: Tensor): Tensor {
  return inLayer(x.graph, name, () => {
    const [, channels] = sizes4(x)
    const seen = norm('norm', biasedConv('depthwise', x, { channels, kernel: 7, groups: channels }))
    const expanded = gelu(biasedConv('expand', seen, { channels: 4 * channels, kernel: 1 }))
    const factor = parameter(x.graph, 'layerScale', [channels], { kind: 'constant', value: LAYER_SCALE })
    const residual = biasedConv('project', expanded, { channels, kernel: 1 })
    return add(x, mul(residual, reshape(factor, [1, channels, 1, 1])))
  })
}

/** A convolution whose windows lie side by side. */
function patchConv(name: string, x: Tensor, size: number, channels: number): Tensor {
  return biasedConv(
    name,
    inLayer(x.graph, name, () => patches(x, size)),
    { channels, kernel: 1 },
  )
}

function norm(name: string, x: Tensor): Tensor {
  return inLayer(x.graph, name, () => {
    const [, channels] = sizes4(x)
    const scale = parameter(x.graph, 'scale', [channels], { kind: 'constant', value: 1 })
    const shift = parameter(x.graph, 'shift', [channels], { kind: 'constant', value: 0 })
    return layerNorm(x, scale, shift)
  })
}
