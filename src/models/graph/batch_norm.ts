import { checkPerChannel, perChannel, sumOverPixels } from './channels.ts'
import { buffer, misfit, sizes4, update, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/** That of ONNX, where it need not be said, and of PyTorch. */
const EPSILON = 1e-5

export interface BatchNormOptions {
  /** How much of the running statistics each batch replaces, 0 to 1: PyTorch's convention. Default: 0.1. */
  readonly momentum?: number
}

interface Statistics {
  readonly mean: Tensor
  readonly variance: Tensor
}

/**
 * Batch normalisation (Ioffe & Szegedy 2015) of N x C x H x W: zero mean and unit variance of every channel, then
 * scaled and shifted by one number a channel. Training takes the batch's own statistics, and moves the layer's buffers
 * `mean` and `variance` towards them; predictions, and layers that are frozen, take those running ones. As in PyTorch,
 * a batch is normalised by its biased variance, and its unbiased one is kept.
 */
export function batchNorm(x: Tensor, scale: Tensor, shift: Tensor, { momentum = 0.1 }: BatchNormOptions = {}): Tensor {
  const [, channels] = sizes4(x)
  checkPerChannel(x, scale, shift)
  const { isTraining, isFrozen } = x.graph.purpose
  const running = {
    mean: buffer(x.graph, 'mean', [channels], 0),
    variance: buffer(x.graph, 'variance', [channels], 1),
  }
  if (!isTraining || isFrozen(x.graph.layer)) return normalizedByRunning(x, scale, shift, running)
  return normalizedByBatch(x, scale, shift, running, momentum)
}

function normalizedByRunning(x: Tensor, scale: Tensor, shift: Tensor, { mean, variance }: Statistics): Tensor {
  const inverse = inverseDeviation(variance)
  return differentiable(
    onnx.batchNormalization(x, scale, shift, mean, variance),
    [shift, sumOverPixels],
    [scale, (dy) => onnx.mul(sumOverPixels(onnx.mul(dy, onnx.sub(x, perChannel(mean)))), inverse)],
    [x, (dy) => onnx.mul(dy, perChannel(onnx.mul(scale, inverse)))],
  )
}

function normalizedByBatch(x: Tensor, scale: Tensor, shift: Tensor, running: Statistics, momentum: number): Tensor {
  const [size, , height, width] = sizes4(x)
  const count = size * height * width
  if (count === 1) {
    const hint = "choose larger batches or crops, or the norm 'group'"
    throw misfit('batch normalisation of a single pixel: its variance is unknown', [x], hint)
  }
  const average = onnx.mean(x, [0, 2, 3])
  const centred = onnx.sub(x, average)
  const mean = onnx.reshape(average, shift.shape)
  const variance = onnx.mul(sumOverPixels(onnx.mul(centred, centred)), 1 / count)
  move(running.mean, mean, momentum)
  move(running.variance, onnx.mul(variance, count / (count - 1)), momentum)

  const inverse = inverseDeviation(variance)
  // Written for both gradients that need it: the runtime merges equal nodes.
  const sumAlong = (dy: Tensor) => onnx.mul(sumOverPixels(onnx.mul(dy, centred)), inverse)
  return differentiable(
    onnx.batchNormalization(x, scale, shift, mean, variance),
    [shift, sumOverPixels],
    [scale, sumAlong],
    [
      x,
      (dy) => {
        // dx = factor (dy - mean of dy - normalised x * mean of dy normalised x)
        const factor = onnx.mul(scale, inverse)
        const share = onnx.mul(factor, 1 / count)
        const [slope, offset] = [onnx.mul(sumAlong(dy), share), onnx.mul(sumOverPixels(dy), share)]
        const common = onnx.batchNormalization(x, slope, offset, mean, variance)
        return onnx.sub(onnx.mul(dy, perChannel(factor)), common)
      },
    ],
  )
}

function move(running: Tensor, value: Tensor, momentum: number): void {
  update(running, onnx.add(onnx.mul(running, 1 - momentum), onnx.mul(value, momentum)))
}

function inverseDeviation(variance: Tensor): Tensor {
  return onnx.reciprocal(onnx.sqrt(onnx.add(variance, EPSILON)))
}
