/**
 * Standard ONNX operations (opset 18) as functions: each appends one node and infers its result's shape. They know
 * nothing of gradients; what a network is made of, in the files beside this one, is written with them in both ways.
 */
import {
  emit,
  emitAll,
  integers,
  misfit,
  scalar,
  sizeOf,
  sizes4,
  type Graph,
  type Shape,
  type Tensor,
} from './graph.ts'

type Operand = Tensor | number

export const add = (a: Tensor, b: Operand) => elementwise('Add', a, b)
export const sub = (a: Tensor, b: Operand) => elementwise('Sub', a, b)
export const mul = (a: Tensor, b: Operand) => elementwise('Mul', a, b)
export const div = (a: Tensor, b: Operand) => elementwise('Div', a, b)
export const min = (a: Tensor, b: Operand) => elementwise('Min', a, b)
export const max = (a: Tensor, b: Operand) => elementwise('Max', a, b)
/** `number - x`. */
export const rsub = (number: number, x: Tensor) => elementwise('Sub', scalar(x.graph, number), x)
/** `base ** exponent`. */
export const pow = (base: number, exponent: Tensor) => elementwise('Pow', scalar(exponent.graph, base), exponent)
/** `x ** exponent`. */
export const power = (x: Tensor, exponent: number) => elementwise('Pow', x, exponent)

export const abs = (x: Tensor) => emit('Abs', [x], x)
export const erf = (x: Tensor) => emit('Erf', [x], x)
export const exp = (x: Tensor) => emit('Exp', [x], x)
export const reciprocal = (x: Tensor) => emit('Reciprocal', [x], x)
export const relu = (x: Tensor) => emit('Relu', [x], x)
export const sigmoid = (x: Tensor) => emit('Sigmoid', [x], x)
export const sign = (x: Tensor) => emit('Sign', [x], x)
export const sqrt = (x: Tensor) => emit('Sqrt', [x], x)

export const sum = (x: Tensor, axes: readonly number[]) => reduce('ReduceSum', x, axes)
export const mean = (x: Tensor, axes: readonly number[]) => reduce('ReduceMean', x, axes)

/** The sum of everything, a scalar. */
export function total(x: Tensor): Tensor {
  return emit('ReduceSum', [x], { shape: [] }, { keepdims: 0 })
}

/** 1 where equal, else 0. */
export function equal(a: Tensor, b: Tensor): Tensor {
  const shape = broadcast(a, b)
  return toFloat(emit('Equal', [a, b], { type: 'bool', shape }))
}

/** 1 where `a` is at least `b`, else 0. */
export function atLeast(a: Tensor, b: Tensor): Tensor {
  const shape = broadcast(a, b)
  return toFloat(emit('GreaterOrEqual', [a, b], { type: 'bool', shape }))
}

/** `x`, but 0 wherever `mask` is 0. Faster than a product with the mask's sign: the whole step by 2 %. */
export function zeroWhereZero(x: Tensor, mask: Tensor): Tensor {
  const keep = emit('Cast', [mask], { type: 'bool', shape: mask.shape }, { to: 9 })
  return emit('Where', [keep, x, scalar(x.graph, 0)], x)
}

function toFloat(x: Tensor): Tensor {
  return emit('Cast', [x], { shape: x.shape }, { to: 1 })
}

export function toInt32(x: Tensor): Tensor {
  return emit('Cast', [x], { type: 'int32', shape: x.shape }, { to: 6 })
}

export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sizeOf(x.shape) !== sizeOf(shape)) throw misfit(`cannot be reshaped to [${shape.join(', ')}]`, [x])
  return emit('Reshape', [x, integers(x.graph, shape)], { type: x.type, shape })
}

/** One value everywhere. */
export function filled(graph: Graph, shape: Shape, value: number): Tensor {
  return emit('Expand', [scalar(graph, value), integers(graph, shape)], { shape })
}

/** Repeated along axes of size 1, by NumPy's rule. */
export function expand(x: Tensor, shape: Shape): Tensor {
  return emit('Expand', [x, integers(x.graph, shape)], { shape })
}

export function transpose(x: Tensor, order: readonly number[]): Tensor {
  const shape = order.map((axis) => x.shape[axis]!)
  return emit('Transpose', [x], { type: x.type, shape }, { perm: order })
}

/** From `start`, up to but without `end`, every `step` along each of `axes`. */
export function slice(
  x: Tensor,
  axes: readonly number[],
  start: readonly number[],
  end: readonly number[],
  step: readonly number[] = axes.map(() => 1),
): Tensor {
  const shape = [...x.shape]
  for (const [i, axis] of axes.entries()) shape[axis] = Math.ceil((end[i]! - start[i]!) / step[i]!)
  const bounds = [start, end, axes, step].map((values) => integers(x.graph, values))
  return emit('Slice', [x, ...bounds], { type: x.type, shape })
}

/** The last two axes back to front. */
export function flip(x: Tensor): Tensor {
  const bounds = [[-1, -1], x.shape.slice(-2).map((size) => -size - 1), [-2, -1], [-1, -1]]
  const operands = bounds.map((values) => integers(x.graph, values))
  return emit('Slice', [x, ...operands], x)
}

/** Zeros around images. */
export function pad(x: Tensor, top: number, left: number, bottom: number, right: number): Tensor {
  const [size, channels, height, width] = sizes4(x)
  const amounts = integers(x.graph, [0, 0, top, left, 0, 0, bottom, right])
  return emit('Pad', [x, amounts], { shape: [size, channels, height + top + bottom, width + left + right] })
}

export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const first = tensors[0]!
  const fits = tensors.every((tensor) => tensor.shape.every((size, i) => i === axis || size === first.shape[i]))
  if (!fits) throw misfit(`cannot be joined along axis ${axis}`, tensors)
  if (tensors.length === 1) return first
  const shape = first.shape.with(
    axis,
    tensors.reduce((size, tensor) => size + tensor.shape[axis]!, 0),
  )
  return emit('Concat', tensors, { shape }, { axis })
}

/** Products of the last two axes; the axes before them count the matrices. */
export function matMul(a: Tensor, b: Tensor): Tensor {
  if (a.shape.at(-1) !== b.shape.at(-2)) throw misfit('matrices do not fit', [a, b])
  const outer = a.shape.length >= b.shape.length ? a.shape.slice(0, -2) : b.shape.slice(0, -2)
  return emit('MatMul', [a, b], { shape: [...outer, a.shape.at(-2)!, b.shape.at(-1)!] })
}

export function softmax(x: Tensor, axis: number): Tensor {
  return emit('Softmax', [x], x, { axis })
}

export function logSoftmax(x: Tensor, axis: number): Tensor {
  return emit('LogSoftmax', [x], x, { axis })
}

/** The `count` largest of a list, in no order, and where they stand. */
export function topK(x: Tensor, count: number): readonly [values: Tensor, indices: Tensor] {
  const results = [{ shape: [count] }, { type: 'int64', shape: [count] }] as const
  const [values, indices] = emitAll('TopK', [x, integers(x.graph, [count])], results, { sorted: 0 })
  return [values!, indices!]
}

/** A copy of `x` with `values` at some places. */
export function scatter(x: Tensor, indices: Tensor, values: Tensor): Tensor {
  return emit('ScatterElements', [x, indices, values], x)
}

/** A copy of a list with `values` added at some places, which may be equal. */
export function scatterAdd(x: Tensor, indices: Tensor, values: Tensor): Tensor {
  return emit('ScatterElements', [x, indices, values], x, { reduction: 'add' })
}

/** Each channel minus `mean`, over the root of `variance` plus 1e-5, times `scale`, plus `shift`: C numbers each. */
export function batchNormalization(x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor): Tensor {
  return emit('BatchNormalization', [x, scale, shift, mean, variance], x)
}

/** Where the largest of each list along an axis stands, int64; the axis is gone. */
export function argMax(x: Tensor, axis: number): Tensor {
  return emit('ArgMax', [x], { type: 'int64', shape: x.shape.toSpliced(axis, 1) }, { axis, keepdims: 0 })
}

/** A list cut into pieces of the given sizes. */
export function split(x: Tensor, sizes: readonly number[]): Tensor[] {
  const results = sizes.map((size) => ({ shape: [size] }))
  return emitAll('Split', [x, integers(x.graph, sizes)], results, { axis: 0 })
}

function elementwise(op: string, a: Tensor, b: Operand): Tensor {
  const right = typeof b === 'number' ? scalar(a.graph, b) : b
  return emit(op, [a, right], { shape: broadcast(a, right) })
}

/** NumPy's rule: sizes are compared from the last, and a 1 stretches. */
function broadcast(a: Tensor, b: Tensor): Shape {
  const rank = Math.max(a.shape.length, b.shape.length)
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a.shape.at(i - rank) ?? 1, b.shape.at(i - rank) ?? 1]
    if (m !== n && m !== 1 && n !== 1) throw misfit('shapes do not fit', [a, b])
    return Math.max(m, n)
  })
}

/** The reduced axes stay, with size 1. */
function reduce(op: string, x: Tensor, axes: readonly number[]): Tensor {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
  return emit(op, [x, integers(x.graph, axes)], { shape }, { keepdims: 1 })
}
