import { misfit, sameShape, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { differentiable } from '../graph/reverse.ts'
import { byImage, shareAboveZero, type Loss } from './classes.ts'

/** Keeps the quotient of a pixel that the teacher says nothing about 0. */
const NOTHING = 1e-12

/**
 * Cross-entropy against the probabilities of a teacher, both softened by a temperature (Hinton et al. 2015, section 2,
 * with its factor of temperature squared), averaged over the pixels that the teacher speaks about: where its
 * probabilities, N x C x h x w as the logits, are all 0, a pixel is left out.
 */
export function distillation(logits: Tensor, teacher: Tensor, temperature: number): Loss {
  if (!sameShape(logits.shape, teacher.shape)) throw misfit('the teacher does not fit the logits', [teacher, logits])
  const softened = temperature === 1 ? teacher : onnx.power(teacher, 1 / temperature)
  const sums = onnx.sum(softened, [1])
  const isTaught = onnx.sign(sums)
  const share = onnx.div(isTaught, onnx.max(onnx.total(isTaught), 1))
  const target = onnx.mul(onnx.div(softened, onnx.max(sums, NOTHING)), share)

  const logProbability = onnx.logSoftmax(onnx.mul(logits, 1 / temperature), 1)
  const parts = onnx.mul(onnx.mul(target, logProbability), -(temperature ** 2))
  const loss = differentiable(onnx.total(parts), [
    logits,
    (dy) => {
      const slope = onnx.sub(onnx.mul(onnx.exp(logProbability), share), target)
      return onnx.mul(slope, onnx.mul(dy, temperature))
    },
  ])
  return { value: loss, pixels: shareAboveZero(share), images: byImage(parts) }
}
