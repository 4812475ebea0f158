import type { TensorFlow, TfImages, TfTensor } from './tensorflow.ts'
import { padded, taps, type Windows } from './tfjs_windows.ts'

/*
 * TensorFlow convolves on the CPU only where channels come last, and either strides or dilates; depthwise it dilates on
 * some devices only. So channels are moved to the end and back, and what is left is put together from plain pieces.
 */

/** ONNX's Conv of `x`, N x C x H x W, with `weight`, C' x C/groups x k x k. */
export function conv(tf: TensorFlow, x: TfTensor, weight: TfTensor, windows: Windows, groups: number): TfTensor {
  if (groups === 1) return dense(tf, x, weight, windows)
  if (groups === x.shape[1]) return depthwise(tf, x, weight, windows)
  const parts = [tf.split(x, groups, 1), tf.split(weight, groups, 0)] as const
  return tf.concat(parts[0].map((part, i) => dense(tf, part, parts[1][i]!, windows)), 1) // prettier-ignore
}

/**
 * ONNX's ConvTranspose of `x`, N x C x H x W, with `weight`, C x C'/groups x k x k: zeros between and around the pixels
 * of `x` make it a plain convolution with the flipped weights. `extra` rows and columns are there at the far edges.
 */
export function convTranspose(
  tf: TensorFlow,
  x: TfTensor,
  weight: TfTensor,
  windows: Windows,
  groups: number,
  extra: readonly number[],
): TfTensor {
  const { kernel, stride, dilation, pads } = windows
  const [channels = 1, inner = 1] = weight.shape
  const reach = kernel.map((taps, axis) => dilation[axis]! * (taps - 1))
  const around = pads.map((pad, side) => reach[side % 2]! - pad + (side < 2 ? 0 : (extra[side - 2] ?? 0)))
  const turned = tf.transpose(
    tf.reshape(tf.reverse(weight, [2, 3]), [groups, channels / groups, inner, ...kernel]),
    [0, 2, 1, 3, 4],
  )
  const flipped = tf.reshape(turned, [groups * inner, channels / groups, ...kernel])
  const plain: Windows = { kernel, stride: [1, 1], dilation, pads: around as unknown as Windows['pads'] }
  return conv(tf, apart(tf, x, stride), flipped, plain, groups)
}

function dense(tf: TensorFlow, x: TfTensor, weight: TfTensor, { stride, dilation, pads }: Windows): TfTensor {
  const isEither = stride.every((step) => step === 1) || dilation.every((step) => step === 1)
  const images = channelsLast(tf, padded(tf, x, pads))
  const filters = tf.transpose(weight as TfImages, [2, 3, 1, 0])
  const steps = isEither ? stride : ([1, 1] as const)
  const y = tf.conv2d(images, filters, [...steps], 'valid', 'NHWC', [...dilation])
  const result = channelsFirst(tf, y)
  return isEither ? result : tf.stridedSlice(result, [0, 0, 0, 0], result.shape, [1, 1, ...stride])
}

/** `weight`: C' x 1 x k x k, C'/C filters for each channel. */
function depthwise(tf: TensorFlow, x: TfTensor, weight: TfTensor, windows: Windows): TfTensor {
  const { kernel, stride, dilation, pads } = windows
  const [, channels = 1] = x.shape
  const [all = 1] = weight.shape
  const filters = tf.reshape(weight, [channels, all / channels, ...kernel])
  if (dilation.some((step) => step > 1) || stride[0] !== stride[1]) return depthwisePerTap(tf, x, filters, windows)
  const images = channelsLast(tf, padded(tf, x, pads))
  const y = tf.depthwiseConv2d(images, tf.transpose(filters as TfImages, [2, 3, 0, 1]), [...stride], 'valid')
  return channelsFirst(tf, y)
}

function depthwisePerTap(tf: TensorFlow, x: TfTensor, filters: TfTensor, windows: Windows): TfTensor {
  const [channels = 1, multiplier = 1, ...kernel] = filters.shape
  const products = taps(tf, x, windows, 0).map((seen, tap) => {
    const [size = 1, , height = 1, width = 1] = seen.shape
    const [row, column] = [Math.floor(tap / kernel[1]!), tap % kernel[1]!]
    const weights = tf.reshape(tf.slice(filters, [0, 0, row, column], [channels, multiplier, 1, 1]), [1, channels, multiplier, 1, 1]) // prettier-ignore
    return tf.mul(tf.reshape(seen, [size, channels, 1, height, width]), weights)
  })
  const [size = 1, , , height = 1, width = 1] = products[0]!.shape
  return tf.reshape(tf.addN(products), [size, channels * multiplier, height, width])
}

/** Images with `stride - 1` zeros between neighbours. */
function apart(tf: TensorFlow, x: TfTensor, [down, along]: Windows['stride']): TfTensor {
  if (down === 1 && along === 1) return x
  const [size = 1, channels = 1, height = 1, width = 1] = x.shape
  const stuffed = tf.pad(tf.reshape(x, [size * channels, height, 1, width, 1]), [[0, 0], [0, 0], [0, down - 1], [0, 0], [0, along - 1]]) // prettier-ignore
  const images = tf.reshape(stuffed, [size, channels, height * down, width * along])
  return tf.slice(images, [0, 0, 0, 0], [size, channels, (height - 1) * down + 1, (width - 1) * along + 1])
}

function channelsLast(tf: TensorFlow, x: TfTensor): TfImages {
  return tf.transpose(x as TfImages, [0, 2, 3, 1])
}

function channelsFirst(tf: TensorFlow, x: TfTensor): TfTensor {
  return tf.transpose(x, [0, 3, 1, 2])
}
