import { constant, int32s, misfit, sizeOf, sizes4, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'

/** A loss and what it was taken from. */
export interface Loss {
  /** A differentiable scalar. */
  readonly value: Tensor
  /** A scalar: the share of the batch's pixels that the gradient comes from, those left out or of weight 0 not being. */
  readonly pixels: Tensor
  /** N x 1 x 1 x 1: the part of each image in the value, which is their sum. */
  readonly images: Tensor
}

/** What the semantic losses know of every pixel. */
export interface LabelledPixels {
  /** N x C x h x w: 1 at a pixel's class, else 0. */
  readonly isClass: Tensor
  /** N x 1 x h x w: 0 where a pixel is ignored, else 1. */
  readonly isLabelled: Tensor
  /** N x 1 x h x w: the pixel's weight times that of its class, 0 where it is ignored. */
  readonly weight: Tensor
}

/**
 * `labels`: N x h x w int32 below C, -1 is ignored; `weights`: N x h x w, at least 0; `classWeights`: C numbers.
 */
export function labelledPixels(
  logits: Tensor,
  labels: Tensor,
  weights: Tensor,
  classWeights?: readonly number[],
): LabelledPixels {
  const [size, classes, height, width] = sizes4(logits)
  const { graph } = logits
  if (sizeOf(labels.shape) !== size * height * width) throw misfit('labels do not fit the logits', [labels, logits])
  const onePlane = [size, 1, height, width]
  const label = onnx.reshape(labels, onePlane)
  const isClass = onnx.equal(label, int32s(graph, [1, classes, 1, 1], Array(classes).keys()))
  const isLabelled = onnx.atLeast(label, int32s(graph, [], [0]))
  const weight = onnx.mul(onnx.reshape(weights, onePlane), isLabelled)
  if (!classWeights) return { isClass, isLabelled, weight }
  const byClass = constant(graph, [1, classes, 1, 1], classWeights)
  return { isClass, isLabelled, weight: onnx.mul(weight, onnx.sum(onnx.mul(isClass, byClass), [1])) }
}

/** The sum of each image, N x 1 x 1 x 1. */
export function byImage(x: Tensor): Tensor {
  return onnx.sum(x, [1, 2, 3])
}

/** The share of all pixels whose coefficient, N x 1 x h x w and never negative, is above 0. */
export function shareAboveZero(coefficient: Tensor): Tensor {
  return onnx.mul(onnx.total(onnx.sign(coefficient)), 1 / sizeOf(coefficient.shape))
}
