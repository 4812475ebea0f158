import { channelsFirst } from './channels.ts'
import { convAttributes, type Conv } from './conv_geometry.ts'
import { inputGradientByBands, suitsInputBands, suitsWeightBands, weightGradientByBands } from './depthwise_gradient.ts'
import { constant, emit, sizes4, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'

/*
 * ONNX has no gradients of a convolution, so they are written with other operations. Which ones was measured on the
 * CPU: at stride 1 a convolution with flipped weights and one matrix product a tap are fastest; at larger strides a
 * transposed convolution, and patches gathered by a depthwise convolution with one-hot weights. Depthwise convolutions
 * have ways of their own for many shapes.
 */

/** The gradient with respect to what was convolved. */
export function inputGradient(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  if (suitsInputBands(conv, x, weight)) return inputGradientByBands(dy, x, weight, conv)
  return conv.stride === 1 ? convolveFlipped(dy, x, weight, conv) : convolveTransposed(dy, x, weight, conv)
}

/** The gradient with respect to the weights. */
export function weightGradient(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  if (suitsWeightBands(conv, x, weight)) return weightGradientByBands(dy, x, weight, conv)
  return conv.stride === 1 ? productPerTap(dy, x, weight, conv) : productOfPatches(dy, x, weight, conv)
}

function convolveFlipped(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  const [filters, inner] = sizes4(weight)
  const { kernel, groups } = conv
  const flipped = kernel === 1 ? weight : onnx.flip(weight)
  const turned = onnx.transpose(
    onnx.reshape(flipped, [groups, filters / groups, inner, kernel, kernel]),
    [0, 2, 1, 3, 4],
  )
  const weights = onnx.reshape(turned, [groups * inner, filters / groups, kernel, kernel])
  return emit('Conv', [dy, weights], { shape: x.shape }, convAttributes(conv))
}

function convolveTransposed(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  // Rows and columns at the far edges that no window started from, but that the result must have.
  const missing = [2, 3].map((axis) => {
    return (
      x.shape[axis]! - ((dy.shape[axis]! - 1) * conv.stride + 1 + conv.dilation * (conv.kernel - 1) - 2 * conv.padding)
    )
  })
  return emit('ConvTranspose', [dy, weight], { shape: x.shape }, { ...convAttributes(conv), output_padding: missing })
}

/** dW of one tap is dy times the image shifted by that tap. */
function productPerTap(dy: Tensor, x: Tensor, weight: Tensor, { kernel, dilation, groups, padding }: Conv): Tensor {
  const [filters, inner] = sizes4(weight)
  const [, , height, width] = sizes4(dy)
  const gradient = channelsFirst(dy)
  const padded = channelsFirst(padding > 0 ? onnx.pad(x, padding, padding, padding, padding) : x)
  const taps = Array.from({ length: kernel * kernel }, (_, tap) => {
    const [top, left] = [Math.floor(tap / kernel) * dilation, (tap % kernel) * dilation]
    const shifted = kernel === 1 ? padded : onnx.slice(padded, [2, 3], [top, left], [top + height, left + width])
    return productOverPixels(gradient, shifted, groups)
  })
  const perTap = onnx.reshape(onnx.concat(taps, 0), [kernel * kernel, filters, inner])
  return onnx.reshape(onnx.transpose(perTap, [1, 2, 0]), weight.shape)
}

/** Gathers what each tap of each channel saw, as channels of their own; dW is dy times that. */
function productOfPatches(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  const [size, channels] = sizes4(x)
  const taps = conv.kernel ** 2
  const oneHot = Array.from({ length: channels * taps * taps }, (_, i) => {
    return Math.floor(i / taps) % taps === i % taps ? 1 : 0
  })
  const filters = constant(x.graph, [channels * taps, 1, conv.kernel, conv.kernel], oneHot)
  const shape = [size, channels * taps, ...dy.shape.slice(2)]
  const patches = emit('Conv', [x, filters], { shape }, convAttributes({ ...conv, groups: channels }))
  return onnx.reshape(productOverPixels(channelsFirst(dy), channelsFirst(patches), conv.groups), weight.shape)
}

/** dy's channels times x's within each group, summed over all pixels: C' x C/groups. Both come channels first. */
function productOverPixels(dy: Tensor, x: Tensor, groups: number): Tensor {
  const [filters, size, height, width] = sizes4(dy)
  const [channels] = sizes4(x)
  const pixels = size * height * width
  if (groups === 1) {
    return onnx.matMul(onnx.reshape(dy, [filters, pixels]), onnx.transpose(onnx.reshape(x, [channels, pixels]), [1, 0]))
  }
  const left = onnx.reshape(dy, [groups, filters / groups, pixels])
  const right = onnx.transpose(onnx.reshape(x, [groups, channels / groups, pixels]), [0, 2, 1])
  return onnx.reshape(onnx.matMul(left, right), [filters, channels / groups])
}
