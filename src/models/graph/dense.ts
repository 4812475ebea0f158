import { misfit, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/** A fully connected layer: `x`, N x C, times `weight`, C' x C, plus one number an output. */
export function dense(x: Tensor, weight: Tensor, bias: Tensor): Tensor {
  const [outputs, inputs] = weight.shape
  if (x.shape.length !== 2 || weight.shape.length !== 2 || x.shape[1] !== inputs) throw misfit('inputs do not fit the weights', [x, weight]) // prettier-ignore
  if (bias.shape.length !== 1 || bias.shape[0] !== outputs) throw misfit('biases do not fit the weights', [bias, weight]) // prettier-ignore
  const transposed = (matrix: Tensor) => onnx.transpose(matrix, [1, 0])
  return differentiable(
    onnx.add(onnx.matMul(x, transposed(weight)), bias),
    [x, (dy) => onnx.matMul(dy, weight)],
    [weight, (dy) => onnx.matMul(transposed(dy), x)],
    [bias, (dy) => onnx.reshape(onnx.sum(dy, [0]), bias.shape)],
  )
}
