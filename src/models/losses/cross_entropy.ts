import type { Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { differentiable } from '../graph/reverse.ts'
import { byImage, shareAboveZero, type LabelledPixels, type Loss } from './classes.ts'
import type { Mean } from './mining.ts'

/** Averages the pixels' losses, N x 1 x h x w, given the probability of each pixel's label, of the same shape. */
type Averaging = (losses: Tensor, probability: () => Tensor) => Mean

/**
 * The cross-entropy of each pixel's label, weighted and then averaged. `logits`: N x C x h x w.
 * With `gamma` it is the focal loss of Lin et al. 2017, eq. 4, whose alpha are the class weights: `(1 - p) ** gamma` times
 * as much for a label of probability p.
 */
export function crossEntropy(logits: Tensor, pixels: LabelledPixels, average: Averaging, gamma = 0): Loss {
  const { isClass, weight } = pixels
  const logProbabilities = onnx.logSoftmax(logits, 1)
  const logProbability = onnx.sum(onnx.mul(logProbabilities, isClass), [1])
  const probability = () => onnx.exp(logProbability)
  const { focus, steepness } = gamma === 0 ? { focus: weight, steepness: weight } : focal()

  const losses = onnx.rsub(0, onnx.mul(logProbability, focus))
  const { value, share } = average(losses, probability)
  const coefficient = onnx.mul(steepness, share)
  const loss = differentiable(value, [
    logits,
    (dy) => onnx.mul(onnx.sub(onnx.exp(logProbabilities), isClass), onnx.mul(coefficient, dy)),
  ])
  return { value: loss, pixels: shareAboveZero(onnx.mul(weight, share)), images: byImage(onnx.mul(losses, share)) }

  /** What the logarithm of p is multiplied by, and what the loss falls by as that grows. */
  function focal() {
    const doubt = onnx.max(onnx.rsub(1, probability()), CERTAIN)
    const factor = onnx.power(doubt, gamma)
    const odds = onnx.div(onnx.mul(probability(), logProbability), doubt)
    return {
      focus: onnx.mul(weight, factor),
      steepness: onnx.mul(weight, onnx.mul(factor, onnx.rsub(1, onnx.mul(odds, gamma)))),
    }
  }
}

/** Least doubt: keeps 0 / 0 out of the focal loss's slope where a label is certain. */
const CERTAIN = 1e-7
