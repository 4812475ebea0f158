import type { Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { differentiable } from '../graph/reverse.ts'
import { byImage, shareAboveZero, type Loss } from './classes.ts'

/** Keeps the quotient of an empty sum 0: D's "0 if there is no weight". Weights are 0 or well above this. */
const NO_WEIGHT = 1e-6

/**
 * Each pixel's part in a weighted mean, N x 1 x h x w. An `emphasis` of the same shape makes pixels count more, or less,
 * without a change to what the sum is divided by.
 */
export function sharesOf(weights: Tensor, emphasis?: Tensor): Tensor {
  const shares = onnx.div(weights, onnx.max(onnx.total(weights), NO_WEIGHT))
  return emphasis ? onnx.mul(shares, emphasis) : shares
}

/** The squared error, summed over channels and by `shares` over pixels. */
export function squaredError(prediction: Tensor, target: Tensor, shares: Tensor): Loss {
  const error = onnx.sub(prediction, target)
  const parts = onnx.mul(onnx.mul(error, error), shares)
  const loss = differentiable(onnx.total(parts), [
    prediction,
    (dy) => onnx.mul(error, onnx.mul(shares, onnx.mul(dy, 2))),
  ])
  return { value: loss, pixels: shareAboveZero(shares), images: byImage(parts) }
}

/** The absolute error, summed over channels and by `shares` over pixels. */
export function absoluteError(prediction: Tensor, target: Tensor, shares: Tensor): Loss {
  const error = onnx.sub(prediction, target)
  const parts = onnx.mul(onnx.abs(error), shares)
  const loss = differentiable(onnx.total(parts), [prediction, (dy) => onnx.mul(onnx.sign(error), onnx.mul(shares, dy))])
  return { value: loss, pixels: shareAboveZero(shares), images: byImage(parts) }
}
