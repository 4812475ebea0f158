import { relu } from './graph/activations.ts'
import { add } from './graph/arithmetic.ts'
import { conv, type ConvOptions } from './graph/conv.ts'
import { inLayer, parameter, sizeOf, sizes4, type Init, type Tensor } from './graph/graph.ts'
import { groupNorm } from './graph/group_norm.ts'

interface ConvLayer extends Omit<ConvOptions, 'bias'> {
  readonly channels: number
  readonly kernel: number
}

interface NormalizedConvLayer extends ConvLayer {
  /** Groups of the normalisation. */
  readonly norm: number
}

/** Convolution and group normalisation. */
export function convNorm(name: string, x: Tensor, options: NormalizedConvLayer): Tensor {
  return inLayer(x.graph, name, () => {
    const weight = parameter(x.graph, 'weight', weightShape(x, options), heNormal(x, options))
    const scale = parameter(x.graph, 'scale', [options.channels], { kind: 'constant', value: 1 })
    const shift = parameter(x.graph, 'shift', [options.channels], { kind: 'constant', value: 0 })
    return groupNorm(conv(x, weight, options), scale, shift, options.norm)
  })
}

/** Convolution, group normalisation, ReLU. */
export function convNormRelu(name: string, x: Tensor, options: NormalizedConvLayer): Tensor {
  const y = convNorm(name, x, options)
  return inLayer(x.graph, name, () => relu(y))
}

/** Convolution with a bias, for the last layer of a head: detectron2 draws its weights from N(0, 0.001). */
export function predictor(name: string, x: Tensor, channels: number): Tensor {
  return inLayer(x.graph, name, () => {
    const shape = weightShape(x, { channels, kernel: 1 })
    const weight = parameter(x.graph, 'weight', shape, { kind: 'normal', deviation: 0.001 })
    const bias = parameter(x.graph, 'bias', [channels], { kind: 'constant', value: 0 })
    return conv(x, weight, { bias })
  })
}

/** The sum of two feature maps, under a name of its own. */
export function sum(name: string, a: Tensor, b: Tensor): Tensor {
  return inLayer(a.graph, name, () => add(a, b))
}

function weightShape(x: Tensor, { channels, kernel, groups = 1 }: ConvLayer): number[] {
  return [channels, sizes4(x)[1] / groups, kernel, kernel]
}

/** He et al. 2015: keeps the variance through a ReLU. */
function heNormal(x: Tensor, layer: ConvLayer): Init {
  const inputs = sizeOf(weightShape(x, layer)) / layer.channels
  return { kind: 'normal', deviation: Math.sqrt(2 / inputs) }
}
