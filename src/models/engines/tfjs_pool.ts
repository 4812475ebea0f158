import { sizeOf } from '../graph/graph.ts'
import type { TensorFlow, TfTensor } from './tensorflow.ts'
import { taps, type Windows } from './tfjs_windows.ts'

/** ONNX's MaxPool: the largest value of each window, and where in all of `x` it stands; of equal ones the first. */
export function maxPool(tf: TensorFlow, x: TfTensor, windows: Windows): readonly [values: TfTensor, places: TfTensor] {
  const seen = tf.stack(taps(tf, x, windows, -Infinity))
  const tap = tf.argMax(seen, 0)
  const { kernel, stride, dilation, pads } = windows
  const [, , height = 1, width = 1] = x.shape
  const [size = 1, channels = 1, rows = 1, columns = 1] = tap.shape
  const along = (count: number, step: number, start: number) => tf.add(tf.mul(tf.range(0, count, 1, 'int32'), tf.scalar(step, 'int32')), tf.scalar(start, 'int32')) // prettier-ignore
  const taken = (count: number) => tf.scalar(count, 'int32')

  const plane = tf.reshape(along(size * channels, height, 0), [size, channels, 1, 1])
  const top = tf.reshape(along(rows, stride[0], -pads[0]), [rows, 1])
  const row = tf.add(top, tf.mul(tf.floorDiv(tap, taken(kernel[1])), taken(dilation[0])))
  const column = tf.add(along(columns, stride[1], -pads[1]), tf.mul(tf.mod(tap, taken(kernel[1])), taken(dilation[1])))
  const places = tf.add(tf.mul(tf.add(plane, row), taken(width)), column)
  return [tf.max(seen, 0), tf.cast(places, 'int32')]
}

/** ONNX's AveragePool: the mean of each window's pixels, without those beyond the border. */
export function averagePool(tf: TensorFlow, x: TfTensor, windows: Windows): TfTensor {
  const [, , height = 1, width = 1] = x.shape
  const counts = taps(tf, tf.ones([1, 1, height, width]), windows, 0)
  return tf.div(tf.addN(taps(tf, x, windows, 0)), tf.addN(counts))
}

/** ONNX's Resize to a multiple of the size: each pixel becomes a square of equal ones. */
export function enlarge(tf: TensorFlow, x: TfTensor, [down, along]: readonly [number, number]): TfTensor {
  const [size = 1, channels = 1, height = 1, width = 1] = x.shape
  const tall = tf.tile(tf.reshape(x, [sizeOf([size, channels, height]), 1, width, 1]), [1, down, 1, along])
  return tf.reshape(tall, [size, channels, height * down, width * along])
}
