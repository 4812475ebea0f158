import type { Attributes } from '../graph/graph.ts'
import type { TensorFlow, TfTensor } from './tensorflow.ts'

/** How windows move over an image, as the attributes of an ONNX node say. */
export interface Windows {
  readonly kernel: readonly [number, number]
  readonly stride: readonly [number, number]
  readonly dilation: readonly [number, number]
  /** Pixels around the image: above, left, below, right. */
  readonly pads: readonly [number, number, number, number]
}

export function windowsOf({ kernel_shape, strides, dilations, pads }: Attributes): Windows {
  return {
    kernel: (kernel_shape ?? [1, 1]) as Windows['kernel'],
    stride: (strides ?? [1, 1]) as Windows['stride'],
    dilation: (dilations ?? [1, 1]) as Windows['dilation'],
    pads: (pads ?? [0, 0, 0, 0]) as Windows['pads'],
  }
}

/** Images, N x C x H x W, with one value around them. */
export function padded({ pad }: TensorFlow, x: TfTensor, pads: Windows['pads'], value = 0): TfTensor {
  const [top, left, bottom, right] = pads
  return pad(x, [[0, 0], [0, 0], [top, bottom], [left, right]], value) // prettier-ignore
}

/** What each tap of the windows sees: for every one an image with a pixel a window. Beyond the border it is `value`. */
export function taps(tf: TensorFlow, x: TfTensor, windows: Windows, value: number): TfTensor[] {
  const { kernel, stride, dilation, pads } = windows
  const around = padded(tf, x, pads, value)
  const [size = 1, channels = 1, height = 1, width = 1] = around.shape
  const reach = kernel.map((taps, axis) => dilation[axis]! * (taps - 1))
  return Array.from({ length: kernel[0] * kernel[1] }, (_, tap) => {
    const top = Math.floor(tap / kernel[1]) * dilation[0]
    const left = (tap % kernel[1]) * dilation[1]
    const end = [size, channels, top + height - reach[0]!, left + width - reach[1]!]
    return tf.stridedSlice(around, [0, 0, top, left], end, [1, 1, ...stride])
  })
}
