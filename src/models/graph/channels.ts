import { misfit, sizes4, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'

/*
 * Images are N x C x H x W; what a layer keeps is mostly one number a channel.
 */

/** C numbers as 1 x C x 1 x 1, which stretches over images. */
export function perChannel(x: Tensor): Tensor {
  return onnx.reshape(x, [1, x.shape[0]!, 1, 1])
}

/** The sum of each channel over all pixels of all images: C numbers. */
export function sumOverPixels(x: Tensor): Tensor {
  return onnx.reshape(onnx.sum(x, [0, 2, 3]), [x.shape[1]!])
}

/** C x N x H x W: the pixels of all images in one row, so that one product sums over them. And back. */
export function channelsFirst(x: Tensor): Tensor {
  return onnx.transpose(x, [1, 0, 2, 3])
}

/** Throws unless each of `operands` has one number for each channel of `x`. */
export function checkPerChannel(x: Tensor, ...operands: readonly Tensor[]): void {
  const [, channels] = sizes4(x)
  const stranger = operands.find(({ shape }) => shape.length !== 1 || shape[0] !== channels)
  if (stranger) throw misfit('one number a channel is needed', [x, stranger])
}
