import { constant, emit, emitAll, misfit, sizeOf, sizes4, type Attributes, type Shape, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/** Square windows of `kernel` pixels a side, `stride` apart. */
export interface Window {
  readonly kernel: number
  readonly stride: number
}

/*
 * The result has ceil(size / stride) rows and columns, as that of a convolution, and the first window starts
 * floor((kernel - 1) / 2) pixels before the image: 3 x 3 at stride 2 is PyTorch's with padding 1, 2 x 2 at stride 2 its
 * with none, and a row or column over is pooled too.
 */

/** The largest value in each window. Of equal ones the first gets the gradient. */
export function maxPool(x: Tensor, window: Window): Tensor {
  const { shape, attributes } = geometry(x, window)
  const [y, places] = emitAll('MaxPool', [x], [{ shape }, { type: 'int64', shape }], attributes)
  return differentiable(y!, [
    x,
    (dy) => {
      const flat = (t: Tensor) => onnx.reshape(t, [sizeOf(shape)])
      // Windows overlap, so one pixel may be the largest of several.
      const zeros = onnx.filled(x.graph, [sizeOf(x.shape)], 0)
      return onnx.reshape(onnx.scatterAdd(zeros, flat(places!), flat(dy)), x.shape)
    },
  ])
}

/** The mean of each window's pixels; what lies beyond the image is not counted. */
export function averagePool(x: Tensor, window: Window): Tensor {
  const { shape, attributes } = geometry(x, window)
  return differentiable(emit('AveragePool', [x], { shape }, attributes), [x, (dy) => spread(dy, x, window)])
}

/** Gives every pixel of a window the same share of the window's gradient. */
function spread(dy: Tensor, x: Tensor, window: Window): Tensor {
  const [size, channels, height, width] = sizes4(x)
  const [, , rows, columns] = sizes4(dy)
  const [vertical, horizontal] = [along(height, window), along(width, window)]
  const shares = vertical.counts.flatMap((above) => horizontal.counts.map((beside) => 1 / (above * beside)))
  const shared = onnx.mul(dy, constant(x.graph, [1, 1, rows, columns], shares))
  // A convolution with ones, transposed, for channels one by one: as if each were an image.
  const planes = onnx.reshape(shared, [size * channels, 1, rows, columns])
  const ones = constant(x.graph, [1, 1, window.kernel, window.kernel], Array(window.kernel ** 2).fill(1))
  const { attributes } = geometry(x, window)
  const unseen = { output_padding: [vertical.unseen, horizontal.unseen] }
  const spread = emit('ConvTranspose', [planes, ones], { shape: [size * channels, 1, height, width] }, { ...attributes, ...unseen }) // prettier-ignore
  return onnx.reshape(spread, x.shape)
}

/** The mean of each channel of each image: N x C x 1 x 1. */
export function globalAveragePool(x: Tensor): Tensor {
  const [, , height, width] = sizes4(x)
  return differentiable(onnx.mean(x, [2, 3]), [x, (dy) => onnx.expand(onnx.mul(dy, 1 / (height * width)), x.shape)])
}

function geometry(x: Tensor, window: Window): { readonly shape: Shape; readonly attributes: Attributes } {
  const { kernel, stride } = window
  if (![kernel, stride].every((size) => Number.isInteger(size) && size > 0)) {
    throw misfit(`cannot pool windows of ${kernel} pixels, ${stride} apart`, [x])
  }
  const [size, channels, height, width] = sizes4(x)
  const [vertical, horizontal] = [along(height, window), along(width, window)]
  return {
    shape: [size, channels, vertical.counts.length, horizontal.counts.length],
    attributes: {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [vertical.before, horizontal.before, vertical.after, horizontal.after],
    },
  }
}

/** Windows along one side of an image. */
function along(size: number, { kernel, stride }: Window) {
  const before = Math.floor((kernel - 1) / 2)
  const starts = Array.from({ length: Math.ceil(size / stride) }, (_, i) => i * stride - before)
  const beyond = starts.at(-1)! + kernel - size
  return {
    /** Pixels of the image in each window. */
    counts: starts.map((start) => Math.min(start + kernel, size) - Math.max(start, 0)),
    before,
    after: Math.max(0, beyond),
    /** Pixels at the end that no window sees. */
    unseen: Math.max(0, -beyond),
  }
}
