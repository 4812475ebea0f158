import { relu } from './graph/activations.ts'
import { add } from './graph/arithmetic.ts'
import { conv, type ConvOptions } from './graph/conv.ts'
import { inLayer, parameter, sizeOf, sizes4, type Init, type Tensor } from './graph/graph.ts'
import { normalize, type Norm } from './norm.ts'

export interface ConvLayer extends Omit<ConvOptions, 'bias'> {
  readonly channels: number
  /** Side of its square window, odd. */
  readonly kernel: number
  /** Standard deviation of the initial weights. Default: He et al. 2015, which keeps the variance through a ReLU. */
  readonly deviation?: number
}

/** What the layers of a part of the network have in common. */
export interface Style extends Pick<ConvLayer, 'deviation'> {
  readonly norm: Norm
}

/** Convolution without a bias, for a normalisation follows. */
export function bareConv(name: string, x: Tensor, layer: ConvLayer): Tensor {
  return inLayer(x.graph, name, () => conv(x, weightOf(x, layer), layer))
}

/** Convolution with a bias. */
export function biasedConv(name: string, x: Tensor, layer: ConvLayer): Tensor {
  return inLayer(x.graph, name, () => {
    const weight = weightOf(x, layer)
    const bias = parameter(x.graph, 'bias', [layer.channels], { kind: 'constant', value: 0 })
    return conv(x, weight, { ...layer, bias })
  })
}

/** Convolution and normalisation. */
export function convNorm(name: string, x: Tensor, layer: ConvLayer & Style): Tensor {
  return inLayer(x.graph, name, () => normalize(conv(x, weightOf(x, layer), layer), layer.norm))
}

/** Convolution, normalisation, ReLU. */
export function convNormRelu(name: string, x: Tensor, layer: ConvLayer & Style): Tensor {
  const y = convNorm(name, x, layer)
  return inLayer(x.graph, name, () => relu(y))
}

/** A convolution of each channel on its own and one of each pixel on its own, both with normalisation and ReLU. */
export function separableConvNormRelu(name: string, x: Tensor, layer: ConvLayer & Style): Tensor {
  const [, channels] = sizes4(x)
  const { norm, deviation } = layer
  const pointwise = { channels: layer.channels, kernel: 1, norm, ...(deviation === undefined ? {} : { deviation }) }
  return inLayer(x.graph, name, () => {
    const filtered = convNormRelu('depthwise', x, { ...layer, channels, groups: channels })
    return convNormRelu('pointwise', filtered, pointwise)
  })
}

/** Normalisation, ReLU. */
export function normRelu(name: string, x: Tensor, norm: Norm): Tensor {
  return inLayer(x.graph, name, () => relu(normalize(x, norm)))
}

/** The last layer of a head, at each pixel on its own: detectron2 draws its weights from N(0, 0.001). */
export function predictor(name: string, x: Tensor, channels: number): Tensor {
  return biasedConv(name, x, { channels, kernel: 1, deviation: 0.001 })
}

/** The sum of two feature maps, under a name of its own. */
export function sum(name: string, a: Tensor, b: Tensor): Tensor {
  return inLayer(a.graph, name, () => add(a, b))
}

function weightOf(x: Tensor, layer: ConvLayer): Tensor {
  const { channels, kernel, groups = 1 } = layer
  const shape = [channels, sizes4(x)[1] / groups, kernel, kernel]
  return parameter(x.graph, 'weight', shape, initOf(layer, sizeOf(shape) / channels))
}

/** He et al. 2015. */
function initOf({ deviation }: ConvLayer, inputs: number): Init {
  return { kind: 'normal', deviation: deviation ?? Math.sqrt(2 / inputs) }
}
