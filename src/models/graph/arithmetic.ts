import { misfit, sameShape, type Shape, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/** The sum of two tensors of one shape. */
export function add(a: Tensor, b: Tensor): Tensor {
  if (!sameShape(a.shape, b.shape)) throw misfit('cannot add', [a, b])
  return differentiable(onnx.add(a, b), [a, (dy) => dy], [b, (dy) => dy])
}

/** A tensor times a number, which may be fed but is not learned. */
export function scale(x: Tensor, factor: Tensor | number): Tensor {
  return differentiable(onnx.mul(x, factor), [x, (dy) => onnx.mul(dy, factor)])
}

/** The product of two tensors; sizes of 1 stretch, by NumPy's rule: a gate N x C x 1 x 1, a scale 1 x C x 1 x 1. */
export function mul(a: Tensor, b: Tensor): Tensor {
  return differentiable(
    onnx.mul(a, b),
    [a, (dy) => summedTo(onnx.mul(dy, b), a.shape)],
    [b, (dy) => summedTo(onnx.mul(dy, a), b.shape)],
  )
}

/** The same numbers in another shape. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return differentiable(onnx.reshape(x, shape), [x, (dy) => onnx.reshape(dy, x.shape)])
}

/** Tensors one after another along an axis; channels, unless said otherwise. */
export function concat(tensors: readonly Tensor[], axis = 1): Tensor {
  const ends = tensors.map((_, i) => tensors.slice(0, i + 1).reduce((end, { shape }) => end + shape[axis]!, 0))
  return differentiable(
    onnx.concat(tensors, axis),
    ...tensors.map((x, i) => {
      return [x, (dy: Tensor) => onnx.slice(dy, [axis], [ends[i]! - x.shape[axis]!], [ends[i]!])] as const
    }),
  )
}

/** Sums over all axes along which `shape` was stretched. */
function summedTo(x: Tensor, shape: Shape): Tensor {
  const missing = x.shape.length - shape.length
  const axes = [...x.shape.keys()].filter((axis) => x.shape[axis] !== (axis < missing ? 1 : shape[axis - missing]))
  const sum = axes.length > 0 ? onnx.sum(x, axes) : x
  return missing > 0 ? onnx.reshape(sum, shape) : sum
}
