import { softmax } from '../graph/activations.ts'
import { constant, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { differentiable } from '../graph/reverse.ts'
import { byImage, shareAboveZero, type LabelledPixels, type Loss } from './classes.ts'

/** Keeps the quotient of a class that is neither there nor predicted 0. */
const NOTHING = 1e-6

/**
 * 1 minus the soft Dice coefficient of each class over the batch (Milletari et al. 2016, V-Net: squares in the
 * denominator), averaged by `classWeights` over the classes that the batch has. `logits`: N x C x h x w. A pixel counts
 * as often as its weight says.
 */
export function dice(logits: Tensor, { isClass, weight }: LabelledPixels, classWeights?: readonly number[]): Loss {
  const probability = softmax(logits)
  const perClass = (x: Tensor) => onnx.sum(onnx.mul(x, weight), [0, 2, 3])
  const size = perClass(isClass)
  const isThere = onnx.sign(size)
  const wanted = classWeights ? onnx.mul(isThere, constant(logits.graph, isThere.shape, classWeights)) : isThere
  const part = onnx.div(wanted, onnx.max(onnx.total(wanted), NOTHING))

  const overlap = perClass(onnx.mul(probability, isClass))
  const sizes = onnx.max(onnx.add(perClass(onnx.mul(probability, probability)), size), NOTHING)
  const coefficient = onnx.mul(onnx.div(overlap, sizes), 2)
  const value = onnx.total(onnx.mul(onnx.rsub(1, coefficient), part))
  const loss = differentiable(value, [
    probability,
    (dy) => {
      // d(2 o / s) = 2 (do - o / s ds) / s, where do = w y and ds = 2 w p
      const slope = onnx.sub(isClass, onnx.mul(probability, coefficient))
      const scale = onnx.mul(onnx.div(part, sizes), onnx.mul(dy, -2))
      return onnx.mul(onnx.mul(slope, weight), scale)
    },
  ])
  // 1 - 2 sum w p y / s = sum w (p - y)^2 / s, as s = sum w (p^2 + y^2).
  const error = onnx.sub(probability, isClass)
  const parts = onnx.mul(onnx.mul(onnx.mul(error, error), weight), onnx.div(part, sizes))
  return { value: loss, pixels: shareAboveZero(weight), images: byImage(parts) }
}
