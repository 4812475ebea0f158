import type { Attributes } from '../graph/graph.ts'
import type { TensorFlow, TfTensor } from './tensorflow.ts'
import { conv, convTranspose } from './tfjs_conv.ts'
import { averagePool, enlarge, maxPool } from './tfjs_pool.ts'
import { windowsOf } from './tfjs_windows.ts'

/** As many as the operation takes. */
type Operands = readonly [TfTensor, TfTensor, TfTensor, TfTensor, TfTensor]

/**
 * One ONNX operation with TensorFlow.js. Constant lists of whole numbers, such as shapes and axes, come apart from the
 * tensors, in their order. Results are new tensors, never operands.
 */
export type Operation = (
  tf: TensorFlow,
  operands: Operands,
  attributes: Attributes,
  lists: readonly (readonly number[])[],
) => TfTensor | readonly TfTensor[]

/** Types by their number in ONNX. */
const TYPES: Readonly<Record<number, 'float32' | 'int32' | 'bool'>> = { 1: 'float32', 6: 'int32', 7: 'int32', 9: 'bool' } // prettier-ignore

/** What BatchNormalization adds to variances, unless told otherwise. */
const EPSILON = 1e-5

/** All that a graph of ours may hold, by its name in ONNX. */
export const operations: Readonly<Record<string, Operation>> = {
  Add: ({ add }, [a, b]) => add(a, b),
  Sub: ({ sub }, [a, b]) => sub(a, b),
  Mul: ({ mul }, [a, b]) => mul(a, b),
  Div: ({ div }, [a, b]) => div(a, b),
  Min: ({ minimum }, [a, b]) => minimum(a, b),
  Max: ({ maximum }, [a, b]) => maximum(a, b),
  Pow: ({ pow }, [a, b]) => pow(a, b),
  Equal: ({ equal }, [a, b]) => equal(a, b),
  GreaterOrEqual: ({ greaterEqual }, [a, b]) => greaterEqual(a, b),
  Where: ({ where }, [condition, a, b]) => where(condition, a, b),
  Abs: ({ abs }, [x]) => abs(x),
  Erf: ({ erf }, [x]) => erf(x),
  Exp: ({ exp }, [x]) => exp(x),
  Reciprocal: ({ reciprocal }, [x]) => reciprocal(x),
  Relu: ({ relu }, [x]) => relu(x),
  Sigmoid: ({ sigmoid }, [x]) => sigmoid(x),
  Sign: ({ sign }, [x]) => sign(x),
  Sqrt: ({ sqrt }, [x]) => sqrt(x),
  Cast: ({ cast }, [x], { to }) => cast(x, TYPES[Number(to)]!),
  ReduceSum: ({ sum }, [x], { keepdims }, [axes]) => sum(x, axes?.slice(), keepdims !== 0),
  ReduceMean: ({ mean }, [x], { keepdims }, [axes]) => mean(x, axes?.slice(), keepdims !== 0),
  ArgMax: ({ argMax }, [x], { axis }) => argMax(x, Number(axis)),
  MatMul: (tf, [a, b]) => tf.matMul(sameRank(tf, a, b), sameRank(tf, b, a)),
  Softmax: (tf, [x], { axis }) => tf.exp(logSoftmax(tf, x, Number(axis))),
  LogSoftmax: (tf, [x], { axis }) => logSoftmax(tf, x, Number(axis)),
  BatchNormalization: ({ add, sub, mul, div, sqrt, reshape }, [x, scale, shift, mean, variance]) => {
    const perChannel = (t: TfTensor) => reshape(t, [1, t.size, 1, 1])
    const factor = div(scale, sqrt(add(variance, EPSILON)))
    return add(mul(sub(x, perChannel(mean)), perChannel(factor)), perChannel(shift))
  },

  Reshape: ({ reshape }, [x], _, [shape]) => reshape(x, [...shape!]),
  Expand: ({ broadcastTo }, [x], _, [shape]) => broadcastTo(x, [...shape!]),
  Transpose: ({ transpose }, [x], { perm }) => transpose(x, [...(perm as readonly number[])]),
  Concat: ({ concat }, tensors, { axis }) => concat([...tensors], Number(axis)),
  Split: ({ split }, [x], { axis }, [sizes]) => split(x, [...sizes!], Number(axis)),
  Slice: (tf, [x], _, [starts, ends, axes, steps]) => slice(tf, x, starts!, ends!, axes!, steps!),
  Pad: ({ pad }, [x], _, [amounts]) => {
    const rank = x.shape.length
    return pad(x, x.shape.map((_, axis) => [amounts![axis]!, amounts![axis + rank]!])) // prettier-ignore
  },
  TopK: ({ topk }, [x], { sorted }, [count]) => {
    const { values, indices } = topk(x, count![0], sorted !== 0)
    return [values, indices]
  },
  // Of lists only: the places stand in a column.
  ScatterElements: (tf, [x, places, values], { reduction }) => {
    const column = tf.reshape(places, [places.size, 1])
    if (reduction !== 'add') return tf.tensorScatterUpdate(x, column, values)
    return tf.add(x, tf.scatterND(column, values, x.shape))
  },

  Conv: (tf, [x, weight, ...more], attributes) => {
    const y = conv(tf, x, weight, windowsOf(attributes), Number(attributes['group'] ?? 1))
    const bias = more.at(0)
    return bias ? tf.add(y, tf.reshape(bias, [1, bias.size, 1, 1])) : y
  },
  ConvTranspose: (tf, [x, weight], attributes) => {
    const extra = (attributes['output_padding'] ?? [0, 0]) as readonly number[]
    return convTranspose(tf, x, weight, windowsOf(attributes), Number(attributes['group'] ?? 1), extra)
  },
  MaxPool: (tf, [x], attributes) => maxPool(tf, x, windowsOf(attributes)),
  AveragePool: (tf, [x], attributes) => averagePool(tf, x, windowsOf(attributes)),
  Resize: (tf, [x, scales]) => {
    const [, , down = 1, along = 1] = scales.dataSync()
    return enlarge(tf, x, [down, along])
  },
}

/** TensorFlow.js has it for the last axis alone. */
function logSoftmax(tf: TensorFlow, x: TfTensor, axis: number): TfTensor {
  const shifted = tf.sub(x, tf.max(x, axis, true))
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), axis, true)))
}

/** As many axes as `other` has, at least. */
function sameRank(tf: TensorFlow, x: TfTensor, other: TfTensor): TfTensor {
  const missing = Math.max(0, other.shape.length - x.shape.length)
  return tf.reshape(x, [...Array<number>(missing).fill(1), ...x.shape])
}

function slice(
  tf: TensorFlow,
  x: TfTensor,
  starts: readonly number[],
  ends: readonly number[],
  axes: readonly number[],
  steps: readonly number[],
): TfTensor {
  const [begin, end, stride] = [x.shape.map(() => 0), [...x.shape], x.shape.map(() => 1)]
  const backwards: number[] = []
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + x.shape.length : given
    // Backwards there is only the whole axis: it is turned around.
    if (steps[i]! < 0) backwards.push(axis)
    else [begin[axis], end[axis], stride[axis]] = [starts[i]!, ends[i]!, steps[i]!]
  }
  return backwards.length > 0 ? tf.reverse(x, backwards) : tf.stridedSlice(x, begin, end, stride)
}
