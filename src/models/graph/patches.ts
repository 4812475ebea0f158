import { misfit, sizes4, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'
import { differentiable } from './reverse.ts'

/**
 * Cuts images, N x C x H x W, into squares of `size` by `size` pixels and makes each a pixel with all their channels:
 * N x C size size x H/size x W/size. A convolution of 1 x 1 after it is one of `size` x `size` at stride `size`.
 */
export function patches(x: Tensor, size: number): Tensor {
  const [count, channels, height, width] = sizes4(x)
  if (height % size !== 0 || width % size !== 0) throw misfit(`cannot be cut into ${size} x ${size} pixels`, [x])
  const [rows, columns] = [height / size, width / size]
  const cut = onnx.reshape(x, [count, channels, rows, size, columns, size])
  const gathered = onnx.transpose(cut, [0, 1, 3, 5, 2, 4])
  return differentiable(onnx.reshape(gathered, [count, channels * size * size, rows, columns]), [
    x,
    (dy) => {
      const spread = onnx.transpose(onnx.reshape(dy, gathered.shape), [0, 1, 4, 2, 5, 3])
      return onnx.reshape(spread, x.shape)
    },
  ])
}
