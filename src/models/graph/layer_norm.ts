import { checkPerChannel, perChannel, sumOverPixels } from './channels.ts'
import type { Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/** That of ConvNeXt (Liu et al. 2022), which normalises so. */
const EPSILON = 1e-6

/**
 * Layer normalisation over channels, N x C x H x W: every pixel of every image gets zero mean and unit variance, then
 * each channel is scaled and shifted by a number of its own.
 */
export function layerNorm(x: Tensor, scale: Tensor, shift: Tensor): Tensor {
  checkPerChannel(x, scale, shift)
  const centred = onnx.sub(x, onnx.mean(x, [1]))
  const variance = onnx.mean(onnx.mul(centred, centred), [1])
  const inverse = onnx.reciprocal(onnx.sqrt(onnx.add(variance, EPSILON)))
  const normalized = onnx.mul(centred, inverse)
  return differentiable(
    onnx.add(onnx.mul(normalized, perChannel(scale)), perChannel(shift)),
    [shift, sumOverPixels],
    [scale, (dy) => sumOverPixels(onnx.mul(dy, normalized))],
    [
      x,
      (dy) => {
        // dx = inverse (g - mean of g - normalised x * mean of g normalised x), where g is the scaled dy
        const scaled = onnx.mul(dy, perChannel(scale))
        const slope = onnx.mean(onnx.mul(scaled, normalized), [1])
        const common = onnx.add(onnx.mul(normalized, slope), onnx.mean(scaled, [1]))
        return onnx.mul(onnx.sub(scaled, common), inverse)
      },
    ],
  )
}
