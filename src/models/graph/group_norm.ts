import { checkPerChannel } from './channels.ts'
import { misfit, sizes4, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

const EPSILON = 1e-5

/**
 * Group normalisation (Wu & He 2018): zero mean and unit variance over each image's groups of channels, then scaled
 * and shifted by one number a channel.
 */
export function groupNorm(x: Tensor, scale: Tensor, shift: Tensor, groups: number): Tensor {
  const [size, channels, height, width] = sizes4(x)
  if (channels % groups !== 0) throw misfit(`${channels} channels cannot be normalised in ${groups} groups`, [x])
  checkPerChannel(x, scale, shift)
  const count = (channels / groups) * height * width
  // Everything is written over groups x channels of a group x pixels: axes 2 and 3 are what a group has in common.
  const grouped = (t: Tensor) => onnx.reshape(t, [size, groups, channels / groups, height * width])
  const perChannel = (t: Tensor) => onnx.reshape(t, [1, groups, channels / groups, 1])

  const input = grouped(x)
  const centred = onnx.sub(input, onnx.mean(input, [2, 3]))
  const variance = onnx.mean(onnx.mul(centred, centred), [2, 3])
  const inverse = onnx.reciprocal(onnx.sqrt(onnx.add(variance, EPSILON)))
  const factor = onnx.mul(inverse, perChannel(scale))
  const y = onnx.add(onnx.mul(centred, factor), perChannel(shift))

  // All that the gradients share is two sums over pixels. They are written for each: the runtime merges equal nodes.
  const sumOf = (dy: Tensor) => onnx.sum(grouped(dy), [3])
  const sumAlong = (dy: Tensor) => onnx.mul(onnx.sum(onnx.mul(grouped(dy), centred), [3]), inverse)
  return differentiable(
    onnx.reshape(y, x.shape),
    [shift, (dy) => onnx.reshape(onnx.sum(sumOf(dy), [0]), shift.shape)],
    [scale, (dy) => onnx.reshape(onnx.sum(sumAlong(dy), [0]), scale.shape)],
    [
      x,
      (dy) => {
        // dx = factor dy - inverse / count (sum of scale dy + normalised x * sum of scale dy normalised x)
        const shared = onnx.mul(inverse, 1 / count)
        const offset = onnx.mul(onnx.sum(onnx.mul(sumOf(dy), perChannel(scale)), [2]), shared)
        const slope = onnx.mul(onnx.sum(onnx.mul(sumAlong(dy), factor), [2]), shared)
        const common = onnx.add(onnx.mul(centred, slope), offset)
        return onnx.reshape(onnx.sub(onnx.mul(grouped(dy), factor), common), x.shape)
      },
    ],
  )
}
