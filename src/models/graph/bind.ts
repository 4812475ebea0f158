import { input, integers, sizeOf, type Graph, type Node, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'

/** What a network keeps between runs: learned parameters, or buffers. */
export type Kept = 'parameters' | 'buffers'

/** Number of floats that all parameters, or buffers, take together. */
export function countOf(graph: Pick<Graph, Kept>, kept: Kept): number {
  return graph[kept].reduce((count, { shape }) => count + sizeOf(shape), 0)
}

/** Makes one fed vector the source of all parameters, or buffers, one after another in the order of their declaration. */
export function bindFlat(graph: Graph, name: string, kept: Kept = 'parameters'): Tensor {
  const all = graph[kept]
  const flat = input(graph, name, 'float32', [countOf(graph, kept)])
  const before = graph.nodes.length
  const pieces = onnx.split(flat, all.map(({ shape }) => sizeOf(shape))) // prettier-ignore
  const reshapes = all.map(({ name, shape }, i): Node => {
    return { op: 'Reshape', inputs: [pieces[i]!.name, integers(graph, shape).name], outputs: [name], attributes: {} }
  })
  // What a node reads has to stand before it.
  graph.nodes.unshift(...graph.nodes.splice(before), ...reshapes)
  return flat
}

/** Puts values for all parameters, or buffers, into the graph itself, under their own names. */
export function bindConstants(graph: Graph, flat: Float32Array, kept: Kept = 'parameters'): void {
  let at = 0
  for (const { name, shape } of graph[kept]) {
    const end = at + sizeOf(shape)
    graph.constants.push({ name, type: 'float32', shape, data: flat.slice(at, end) })
    at = end
  }
}
