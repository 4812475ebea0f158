import { input, integers, sizeOf, type Graph, type Node, type Tensor } from './graph.ts'
import * as onnx from './onnx.ts'

/** Number of floats that all parameters take together. */
export function parameterCount(graph: Graph): number {
  return graph.parameters.reduce((count, { shape }) => count + sizeOf(shape), 0)
}

/** Makes one fed vector the source of all parameters, one after another in the order of their declaration. */
export function bindFlat(graph: Graph, name: string): Tensor {
  const flat = input(graph, name, 'float32', [parameterCount(graph)])
  const before = graph.nodes.length
  const pieces = onnx.split(flat, graph.parameters.map(({ shape }) => sizeOf(shape))) // prettier-ignore
  const reshapes = graph.parameters.map(({ name, shape }, i): Node => {
    return { op: 'Reshape', inputs: [pieces[i]!.name, integers(graph, shape).name], outputs: [name], attributes: {} }
  })
  // What a node reads has to stand before it.
  graph.nodes.unshift(...graph.nodes.splice(before), ...reshapes)
  return flat
}

/** Puts values for all parameters into the graph itself, under their own names. */
export function bindConstants(graph: Graph, flat: Float32Array): void {
  let at = 0
  for (const { name, shape } of graph.parameters) {
    const end = at + sizeOf(shape)
    graph.constants.push({ name, type: 'float32', shape, data: flat.slice(at, end) })
    at = end
  }
}
