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
 * How far an operation's values and its gradient with respect to all its operands are off at a random place, relative to
 * their length: the worst of onnxruntime against the float64 reference, and of that gradient against the reference's own
 * central differences, along some random directions.
 */
export async function gradientError(
  shapes: readonly Shape[],
  operation: (...operands: Tensor[]) => Tensor,
  purpose: Purpose = {},
): Promise<number> {
  const graph = newGraph(purpose)
  graph.layer = 'test'
  const operands = shapes.map((shape, i) => parameter(graph, `x${i}`, shape, { kind: 'constant', value: 0 }))
  const y = operation(...operands)
  const loss = project(y)
  output('y', y)
  output('loss', loss)
  output('gradient', onnx.concat(gradients(loss).map((part) => onnx.reshape(part, [sizeOf(part.shape)])), 0)) // prettier-ignore
  bindFlat(graph, 'weights')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')

  const feeds = Object.fromEntries(graph.inputs.map(({ name, shape }) => [name, fed(name, sizeOf(shape))]))
  const gradient = interpret(graph, feeds, 'gradient')
  const directions = Array.from({ length: DIRECTIONS }, (_, i) => normals(gradient.length, `direction ${i}`))
  const slopes = directions.map((direction) => dot(gradient, direction))
  const session = await openSession(graph, cpu)
  const actual = await session.run(feeds)
  await session.close()
  return Math.max(
    relativeError(slopes, directions.map(slopeAlong)),
    relativeError(floats(actual, 'gradient'), gradient),
    relativeError(floats(actual, 'y'), interpret(graph, feeds, 'y')),
  )

  function slopeAlong(direction: Float32Array): number {
    const at = (step: number) => {
      const weights = Float64Array.from(feeds['weights']!, (value, i) => value + step * direction[i]!)
      return interpret(graph, { ...feeds, weights }, 'loss')[0]!
    }
    return (at(STEP) - at(-STEP)) / (2 * STEP)
  }
}

const STEP = 1e-6
/** A wrong gradient differs along almost every direction. */
const DIRECTIONS = 4

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0)
}

/** Weights of N(0, 1); running statistics, which may be variances, and noise from (0, 1). */
function fed(name: string, count: number): Float32Array {
  return name === 'weights' ? normals(count, 'operands') : uniforms(count, name)
}

/** The length of the difference of two vectors, relative to that of the second. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const wanted = Array.from(expected)
  return lengthOf(wanted.map((value, i) => value - actual[i]!)) / (lengthOf(wanted) + 1e-12)
}

/** Of vectors too long to be arguments, too. */
function lengthOf(vector: readonly number[]): number {
  return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
}

/** A scalar that depends on every element in its own way. */
export function project(y: Tensor): Tensor {
  const weights = constant(y.graph, y.shape, normals(sizeOf(y.shape), 'projection'))
  return differentiable(onnx.total(onnx.mul(y, weights)), [y, (dy) => onnx.mul(weights, dy)])
}
