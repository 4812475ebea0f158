import type { Tensor } from './graph/graph.ts'
import { absoluteError, sharesOf, squaredError } from './losses/regression.ts'
import { semanticLoss } from './losses/semantic.ts'

/** Cross-entropy with hard pixel mining. */
export function hardPixelCrossEntropy(logits: Tensor, labels: Tensor, weights: Tensor, hardPixels: number): Tensor {
  return semanticLoss(logits, labels, weights, { kind: 'cross_entropy', hardPixels }).value
}

/** The squared error of the centres' heat map, averaged by `weights`. */
export function weightedSquaredError(prediction: Tensor, target: Tensor, weights: Tensor): Tensor {
  return squaredError(prediction, target, sharesOf(weights)).value
}

/** The absolute error of the offsets, averaged by `weights`. */
export function weightedAbsoluteError(prediction: Tensor, target: Tensor, weights: Tensor): Tensor {
  return absoluteError(prediction, target, sharesOf(weights)).value
}
