import { openSession } from '../../src/models/engines/open.ts'
import { floats } from '../../src/models/engines/session.ts'
import { add } from '../../src/models/graph/arithmetic.ts'
import { bindFlat } from '../../src/models/graph/bind.ts'
import { input, newGraph, output, sizeOf, type Graph, type Purpose, type Tensor } from '../../src/models/graph/graph.ts'
import * as onnx from '../../src/models/graph/onnx.ts'
import { gradients } from '../../src/models/graph/reverse.ts'
import type { Heads, Model } from '../../src/models/model.ts'
import { initialWeights } from '../../src/models/weights.ts'
import { cpu, normals, project, uniforms } from './graph/gradient_error.ts'

export interface Network {
  readonly graph: Graph
  readonly heads: Heads
}

/** A network behind images of some size. */
export function networkOf(model: Model, size: number, height: number, width: number, purpose: Purpose = {}): Network {
  const graph = newGraph(purpose)
  const heads = model.forward(input(graph, 'images', 'float32', [size, 3, height, width]))
  return { graph, heads }
}

/** A scalar that depends on all that a network says. */
export function lossOf({ semantic, center, offset }: Heads): Tensor {
  return [semantic, center, offset].flatMap((head) => (head ? [project(head)] : [])).reduce(add)
}

/** The gradient of `lossOf` with respect to each parameter, by name, as onnxruntime has it at the initial weights. */
export async function gradientsOf(model: Model, side: number): Promise<ReadonlyMap<string, Float32Array>> {
  const { graph, heads } = networkOf(model, 2, side, side, { isTraining: true })
  const parts = gradients(lossOf(heads))
  output('gradient', onnx.concat(parts.map((part) => onnx.reshape(part, [sizeOf(part.shape)])), 0)) // prettier-ignore
  bindFlat(graph, 'weights')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')
  const session = await openSession(graph, cpu)
  const fed = graph.inputs.map(({ name, shape }) => [name, fedFor(graph, name, sizeOf(shape))] as const)
  const flat = floats(await session.run(Object.fromEntries(fed)), 'gradient')
  await session.close()
  let at = 0
  return new Map(graph.parameters.map(({ name, shape }) => [name, flat.slice(at, (at += sizeOf(shape)))]))
}

function fedFor(graph: Graph, name: string, count: number): Float32Array {
  if (name === 'weights') return initialWeights(graph, 1)
  if (name === 'buffers') return new Float32Array(count).fill(1)
  return name === 'images' ? normals(count, name) : uniforms(count, name)
}
