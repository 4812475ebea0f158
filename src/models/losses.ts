import { int32s, misfit, sizeOf, sizes4, type Tensor } from './graph/graph.ts'
import * as onnx from './graph/onnx.ts'
import { differentiable } from './graph/reverse.ts'

/*
 * The losses of Panoptic-DeepLab as detectron2 has them. Targets and weights are fed; gradients go to the predictions.
 */

/** Keeps the quotient of an empty sum 0: D's "0 if there is no weight". Weights are 0 or well above this. */
const NO_WEIGHT = 1e-6

/**
 * Cross-entropy with hard pixel mining ("DeepLabCE"): the mean of the `fraction` of all pixels in the batch whose loss
 * is largest. Ignored pixels (label -1) count as pixels, with loss 0.
 * `logits`: N x C x h x w; `labels`: N x h x w int32; `weights`: N x h x w.
 */
export function hardPixelCrossEntropy(logits: Tensor, labels: Tensor, weights: Tensor, fraction: number): Tensor {
  const [size, classes, height, width] = sizes4(logits)
  const { graph } = logits
  if (sizeOf(labels.shape) !== size * height * width) throw misfit('labels do not fit the logits', [labels, logits])
  const onePlane = [size, 1, height, width]
  const label = onnx.reshape(labels, onePlane)
  const isClass = onnx.equal(label, int32s(graph, [1, classes, 1, 1], Array(classes).keys()))
  const isLabelled = onnx.atLeast(label, int32s(graph, [], [0]))
  const weight = onnx.mul(onnx.reshape(weights, onePlane), isLabelled)

  const logProbability = onnx.logSoftmax(logits, 1)
  const perPixel = onnx.rsub(0, onnx.mul(onnx.sum(onnx.mul(logProbability, isClass), [1]), weight))
  const { loss, share } = meanOfLargest(perPixel, fraction)
  return differentiable(loss, [
    logits,
    (dy) => {
      const slope = onnx.sub(onnx.exp(logProbability), isClass)
      return onnx.mul(slope, onnx.mul(onnx.mul(weight, share), dy))
    },
  ])
}

/** The squared error of the centres' heat map, averaged by `weights`: all N x 1 x h x w. */
export function weightedSquaredError(prediction: Tensor, target: Tensor, weights: Tensor): Tensor {
  const share = shareOf(weights)
  const error = onnx.sub(prediction, target)
  const loss = onnx.total(onnx.mul(onnx.mul(error, error), share))
  return differentiable(loss, [prediction, (dy) => onnx.mul(error, onnx.mul(share, onnx.mul(dy, 2)))])
}

/**
 * The absolute error of the offsets, N x 2 x h x w, summed over both directions and averaged over pixels by `weights`,
 * N x 1 x h x w: twice what an average over all values would be.
 */
export function weightedAbsoluteError(prediction: Tensor, target: Tensor, weights: Tensor): Tensor {
  const share = shareOf(weights)
  const error = onnx.sub(prediction, target)
  const loss = onnx.total(onnx.mul(onnx.abs(error), share))
  return differentiable(loss, [prediction, (dy) => onnx.mul(onnx.sign(error), onnx.mul(share, dy))])
}

function shareOf(weights: Tensor): Tensor {
  return onnx.div(weights, onnx.max(onnx.total(weights), NO_WEIGHT))
}

/** The mean of a tensor's largest values, and each value's share in that mean: 1 / count or 0. */
function meanOfLargest(x: Tensor, fraction: number): { readonly loss: Tensor; readonly share: Tensor | number } {
  const all = sizeOf(x.shape)
  const count = Math.max(1, Math.floor(fraction * all))
  if (count === all) return { loss: onnx.mul(onnx.total(x), 1 / all), share: 1 / all }
  const flat = onnx.reshape(x, [all])
  const [values, places] = onnx.topK(flat, count)
  // Places, not a threshold: among equal losses exactly `count` are kept.
  const share = onnx.scatter(onnx.filled(x.graph, [all], 0), places, onnx.filled(x.graph, [count], 1 / count))
  return { loss: onnx.mul(onnx.total(values), 1 / count), share: onnx.reshape(share, x.shape) }
}
