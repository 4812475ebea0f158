import { misfit, sameShape, type Tensor } from './graph.ts'
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

export function relu(x: Tensor): Tensor {
  const y = onnx.relu(x)
  return differentiable(y, [x, (dy) => onnx.zeroWhereZero(dy, y)])
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
