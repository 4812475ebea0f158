import type { Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

export function relu(x: Tensor): Tensor {
  const y = onnx.relu(x)
  return differentiable(y, [x, (dy) => onnx.zeroWhereZero(dy, y)])
}

/** `1 / (1 + exp(-x))`. */
export function sigmoid(x: Tensor): Tensor {
  const y = onnx.sigmoid(x)
  return differentiable(y, [x, (dy) => onnx.mul(dy, onnx.mul(y, onnx.rsub(1, y)))])
}

/** `x sigmoid(x)`, also known as swish (Elfwing et al. 2018). */
export function silu(x: Tensor): Tensor {
  const gate = onnx.sigmoid(x)
  const y = onnx.mul(x, gate)
  return differentiable(y, [
    x,
    (dy) => onnx.mul(dy, onnx.add(gate, onnx.mul(y, onnx.rsub(1, gate)))), // gate + x gate (1 - gate)
  ])
}

/** `x P(Z <= x)` for a standard normal Z (Hendrycks & Gimpel 2016): the exact form, as PyTorch's, not that with tanh. */
export function gelu(x: Tensor): Tensor {
  const probability = onnx.mul(onnx.add(onnx.erf(onnx.mul(x, Math.SQRT1_2)), 1), 0.5)
  return differentiable(onnx.mul(x, probability), [
    x,
    (dy) => {
      const density = onnx.mul(onnx.exp(onnx.mul(onnx.mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI))
      return onnx.mul(dy, onnx.add(probability, onnx.mul(x, density)))
    },
  ])
}

/** Shares that sum to 1 along an axis; over channels, unless said otherwise. */
export function softmax(x: Tensor, axis = 1): Tensor {
  const y = onnx.softmax(x, axis)
  return differentiable(y, [x, (dy) => onnx.mul(y, onnx.sub(dy, onnx.sum(onnx.mul(dy, y), [axis])))])
}
