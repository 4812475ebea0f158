import { channelsFirst } from './channels.ts'
import type { Conv } from './conv_geometry.ts'
import { constant, sizes4, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'

/*
 * Gradients of depthwise convolutions with matrix products. Along its rows such a convolution is a product with a band
 * matrix: row r of the result is the sum over the kernel's rows i of row (stride r + dilation i - padding) of the image
 * times T_i, width x columns, which holds row i of the kernel along its diagonals. That takes `width` multiplications
 * where `kernel` would do, but a runtime multiplies matrices so much faster that it pays for narrow maps and for wide
 * kernels. CPU ms with onnxruntime, batch 8, one thread, a convolution or single taps / bands:
 *
 *     channels x side, kernel, stride    64x64 5 1  144x32 3 1   144x32 3 2   192x16 3 1   384x8 3 1    64x32 5 1    192x8 7 1
 *     gradient of the image              9.0/18.3   3.0/5.3      -            1.0/1.3      0.80/0.71    2.5/2.0      1.8/0.7
 *     gradient of the weights            31/20      4.4/6.0      4.1/2.2      2.0/1.1      1.5/0.6      4.1/2.1      3.6/0.7
 */

/** Whether bands are the faster way to the gradient of the image. */
export function suitsInputBands(conv: Conv, x: Tensor, weight: Tensor): boolean {
  const [, , , width] = sizes4(x)
  return isDepthwise(conv, x, weight) && conv.stride === 1 && width <= (conv.kernel === 3 ? 8 : 32)
}

/** Whether bands are the faster way to the gradient of the weights. */
export function suitsWeightBands(conv: Conv, x: Tensor, weight: Tensor): boolean {
  const columns = Math.ceil(sizes4(x)[3] / conv.stride)
  return isDepthwise(conv, x, weight) && columns <= (conv.kernel === 3 ? 24 : 64)
}

function isDepthwise({ kernel, groups }: Conv, x: Tensor, weight: Tensor): boolean {
  return kernel > 1 && groups === x.shape[1] && groups === weight.shape[0]
}

/** The gradient with respect to what was convolved, at stride 1. */
export function inputGradientByBands(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  const [size, channels, height, width] = sizes4(x)
  const { kernel, dilation, padding } = conv
  const band = bandOf(x, dy, conv)
  const padded = channelsFirst(onnx.pad(dy, padding, 0, padding, 0))
  const parts = Array.from({ length: kernel }, (_, i) => {
    const first = 2 * padding - i * dilation
    const rows = onnx.reshape(onnx.slice(padded, [2], [first], [first + height]), [channels, size * height, width])
    const taps = onnx.reshape(onnx.slice(weight, [2], [i], [i + 1]), [channels, kernel])
    return onnx.matMul(rows, onnx.reshape(onnx.matMul(taps, band), [channels, width, width]))
  })
  return channelsFirst(onnx.reshape(parts.reduce(onnx.add), [channels, size, height, width]))
}

/** The gradient with respect to the weights: sums along the diagonals of what dy's columns and the image's have in common. */
export function weightGradientByBands(dy: Tensor, x: Tensor, weight: Tensor, conv: Conv): Tensor {
  const [size, channels, , width] = sizes4(x)
  const [, , rows, columns] = sizes4(dy)
  const { kernel, stride, dilation, padding } = conv
  const diagonals = onnx.transpose(bandOf(x, dy, conv), [1, 0])
  const turned = onnx.transpose(onnx.reshape(channelsFirst(dy), [channels, size * rows, columns]), [0, 2, 1])
  const padded = channelsFirst(onnx.pad(x, padding, 0, padding, 0))
  const perRow = Array.from({ length: kernel }, (_, i) => {
    const first = i * dilation
    const seen = onnx.slice(padded, [2], [first], [first + (rows - 1) * stride + 1], [stride])
    const products = onnx.matMul(turned, onnx.reshape(seen, [channels, size * rows, width]))
    return onnx.matMul(onnx.reshape(products, [channels, columns * width]), diagonals)
  })
  return onnx.reshape(onnx.concat(perRow, 1), weight.shape)
}

/** For each tap of a kernel's row, which column of the result sees which of the image by it: kernel x (columns * width). */
function bandOf(x: Tensor, dy: Tensor, { kernel, stride, dilation, padding }: Conv): Tensor {
  const [, , , width] = sizes4(x)
  const [, , , columns] = sizes4(dy)
  const sees = new Float32Array(kernel * columns * width)
  for (let tap = 0; tap < kernel; tap++) {
    for (let column = 0; column < columns; column++) {
      const seen = column * stride + tap * dilation - padding
      if (seen >= 0 && seen < width) sees[(tap * columns + column) * width + seen] = 1
    }
  }
  return constant(x.graph, [kernel, columns * width], sees)
}
