import { openSession } from '../../../src/models/engines/open.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { bindFlat } from '../../../src/models/graph/bind.ts'
import {
  constant,
  newGraph,
  output,
  parameter,
  sizeOf,
  type Purpose,
  type Shape,
  type Tensor,
} from '../../../src/models/graph/graph.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { differentiable, gradients } from '../../../src/models/graph/reverse.ts'
import { stream } from '../../../src/rng.ts'
import { interpret } from './interpreter.ts'

export const cpu = { kind: 'cpu', index: 0, threads: 1 } as const

/** `count` numbers of N(0, 1), the same at every run. */
export function normals(count: number, purpose: string): Float32Array {
  const rng = stream(1, 'test', purpose)
  return Float32Array.from({ length: count }, () => rng.normal())
}

/** `count` numbers from (0, 1), the same at every run. */
export function uniforms(count: number, purpose: string): Float32Array {
  const rng = stream(1, 'test', purpose)
  return Float32Array.from({ length: count }, () => rng.uniform())
}

/**
 * How far the gradient of an operation with respect to all its operands is off at a random place, relative to its
 * length: the worse of onnxruntime against the float64 reference, and that against its own central differences.
 */
export async function gradientError(
  shapes: readonly Shape[],
  operation: (...operands: Tensor[]) => Tensor,
  purpose: Purpose = {},
): Promise<number> {
  const graph = newGraph(purpose)
  graph.layer = 'test'
  const operands = shapes.map((shape, i) => parameter(graph, `x${i}`, shape, { kind: 'constant', value: 0 }))
  const loss = project(operation(...operands))
  output('loss', loss)
  output('gradient', onnx.concat(gradients(loss).map((part) => onnx.reshape(part, [sizeOf(part.shape)])), 0)) // prettier-ignore
  bindFlat(graph, 'weights')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')

  const feeds = Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, fed(name, sizeOf(shape))]))
  const weights = feeds['weights']!
  const reference = interpret(graph, feeds, 'gradient')
  const differences = weights.map((_, i) => slope(i))
  const session = await openSession(graph, cpu)
  const actual = floats(await session.run(feeds), 'gradient')
  await session.close()
  return Math.max(relativeError(reference, differences), relativeError(actual, reference))

  function slope(i: number): number {
    const step = 1e-5
    const at = (value: number) => interpret(graph, { ...feeds, weights: Float64Array.from(weights).with(i, value) }, 'loss')[0]! // prettier-ignore
    return (at(weights[i]! + step) - at(weights[i]! - step)) / (2 * step)
  }
}

/** Weights of N(0, 1); running statistics, which may be variances, and noise from (0, 1). */
function fed(name: string, count: number): Float32Array {
  return name === 'weights' ? normals(count, 'operands') : uniforms(count, name)
}

/** The length of the difference of two vectors, relative to that of the second. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const wanted = Array.from(expected)
  return Math.hypot(...wanted.map((value, i) => value - actual[i]!)) / (Math.hypot(...wanted) + 1e-12)
}

/** A scalar that depends on every element in its own way. */
export function project(y: Tensor): Tensor {
  const weights = constant(y.graph, y.shape, normals(sizeOf(y.shape), 'projection'))
  return differentiable(onnx.total(onnx.mul(y, weights)), [y, (dy) => onnx.mul(weights, dy)])
}
