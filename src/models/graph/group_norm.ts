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
  const count = (channels / groups) * height * width
  const grouped = [size, groups, count]
  const perChannel = (t: Tensor) => onnx.reshape(t, [1, groups, channels / groups])

  const flat = onnx.reshape(x, grouped)
  const centred = onnx.sub(flat, onnx.mean(flat, [2]))
  const variance = onnx.mul(onnx.sumSquare(centred, [2]), 1 / count)
  const inverse = onnx.reciprocal(onnx.sqrt(onnx.add(variance, EPSILON))) // N x groups x 1
  const factor = onnx.mul(perChannel(scale), inverse) // N x groups x channels of a group
  const image = onnx.reshape(centred, x.shape)
  const y = onnx.add(onnx.mul(image, asImage(factor)), onnx.reshape(shift, [1, channels, 1, 1]))

  // All that the gradients share is two sums over pixels, of dy and of dy times the normalised image. They are written
  // once for each gradient: the runtime merges equal nodes.
  const sumOf = (t: Tensor) => onnx.reshape(onnx.sum(t, [2, 3]), [size, groups, channels / groups])
  const alongImage = (dy: Tensor) => onnx.mul(sumOf(onnx.mul(dy, image)), inverse)
  return differentiable(
    y,
    [shift, (dy) => onnx.reshape(onnx.sum(sumOf(dy), [0]), [channels])],
    [scale, (dy) => onnx.reshape(onnx.sum(alongImage(dy), [0]), [channels])],
    [
      x,
      (dy) => {
        // dx = factor dy - inverse / count * (sum of scale dy + normalised * sum of scale dy normalised)
        const shared = onnx.mul(inverse, 1 / count)
        const offset = onnx.mul(onnx.sum(onnx.mul(sumOf(dy), perChannel(scale)), [2]), shared)
        const slope = onnx.mul(onnx.sum(onnx.mul(alongImage(dy), perChannel(scale)), [2]), onnx.mul(shared, inverse))
        const direct = onnx.reshape(onnx.mul(dy, asImage(factor)), grouped)
        return onnx.reshape(onnx.sub(direct, onnx.add(onnx.mul(centred, slope), offset)), x.shape)
      },
    ],
  )

  function asImage(t: Tensor): Tensor {
    return onnx.reshape(t, [size, channels, 1, 1])
  }
}
