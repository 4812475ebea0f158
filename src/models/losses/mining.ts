import { scalar, sizeOf, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'

/** A mean over some pixels' losses. */
export interface Mean {
  /** A scalar; its way back is the business of whoever asked. */
  readonly value: Tensor
  /** Each pixel's part in the mean, of the losses' shape, or of all alike: 1 / count, or 0 where it was left out. */
  readonly share: Tensor | number
}

/** The mean of the `fraction` of all pixels in the batch whose loss is largest: detectron2's DeepLabCE. */
export function meanOfLargest(losses: Tensor, fraction: number): Mean {
  const all = sizeOf(losses.shape)
  const count = Math.max(1, Math.floor(fraction * all))
  if (count === all) return { value: onnx.mul(onnx.total(losses), 1 / all), share: 1 / all }
  const { values, marks } = largest(losses, count, 1 / count)
  return { value: onnx.mul(onnx.total(values), 1 / count), share: marks }
}

/**
 * The same image by image, over those of its largest losses that are not 0, and the mean of the images: deeplab2's
 * `compute_average_top_k_loss`. `losses`: N x 1 x h x w.
 */
export function meanOfLargestByImage(losses: Tensor, fraction: number): Mean {
  const [images = 1, ...plane] = losses.shape
  const count = Math.max(1, Math.round(fraction * sizeOf(plane)))
  const shares = Array.from({ length: images }, (_, n) => {
    const image = onnx.slice(losses, [0], [n], [n + 1])
    const kept = onnx.mul(largest(image, count, 1).marks, onnx.sign(image))
    return onnx.div(kept, onnx.mul(atLeastOne(onnx.total(kept)), images))
  })
  const share = onnx.concat(shares, 0)
  return { value: onnx.total(onnx.mul(losses, share)), share }
}

/**
 * The mean over pixels whose label has a probability below `threshold` or, where those are few, over the part `minKept`
 * of all pixels that is least probable: upstream's OhemCE, with its strict "less than". Pixels without a label, where
 * `isLabelled` is 0, never count.
 */
export function meanOfUnlikely(
  losses: Tensor,
  probability: Tensor,
  isLabelled: Tensor,
  { threshold, minKept }: { readonly threshold: number; readonly minKept: number },
): Mean {
  const bound = onnx.max(leastKept(probability, isLabelled, minKept), threshold)
  const kept = onnx.mul(onnx.rsub(1, onnx.atLeast(probability, bound)), isLabelled)
  const share = onnx.div(kept, atLeastOne(onnx.total(kept)))
  return { value: onnx.total(onnx.mul(losses, share)), share }
}

/** The mean over all pixels that have a label. */
export function meanOfLabelled(losses: Tensor, isLabelled: Tensor): Mean {
  const share = onnx.div(isLabelled, atLeastOne(onnx.total(isLabelled)))
  return { value: onnx.total(onnx.mul(losses, share)), share }
}

/** The probability below which lie `minKept` of all pixels; with fewer labels than that, the largest of any. */
function leastKept(probability: Tensor, isLabelled: Tensor, minKept: number): Tensor {
  const all = sizeOf(probability.shape)
  const count = Math.min(all, Math.round(minKept * all) + 1)
  // What has no label is more than certain, at 2, so that it comes last; then it is left out.
  const certainty = onnx.add(onnx.mul(probability, isLabelled), onnx.mul(onnx.rsub(1, isLabelled), 2))
  const [smallest] = onnx.topK(onnx.mul(onnx.reshape(certainty, [all]), -1), count)
  const labelled = onnx.mul(smallest, onnx.atLeast(smallest, scalar(smallest.graph, -1.5)))
  const [most] = onnx.topK(onnx.mul(labelled, -1), 1)
  return onnx.reshape(most, [])
}

/** The largest values of a tensor, and `mark` at their places with 0 elsewhere. */
function largest(x: Tensor, count: number, mark: number): { readonly values: Tensor; readonly marks: Tensor } {
  const all = sizeOf(x.shape)
  const [values, places] = onnx.topK(onnx.reshape(x, [all]), count)
  // Places, not a threshold: among equal values exactly `count` are kept.
  const marks = onnx.scatter(onnx.filled(x.graph, [all], 0), places, onnx.filled(x.graph, [count], mark))
  return { values, marks: onnx.reshape(marks, x.shape) }
}

function atLeastOne(count: Tensor): Tensor {
  return onnx.max(count, 1)
}
