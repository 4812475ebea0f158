import { stream } from '../rng.ts'
import type { Network } from './checkpoint.ts'
import { countOf } from './graph/bind.ts'
import { sizeOf, type Parameter } from './graph/graph.ts'

/** The weights a network starts with, one after another: each parameter has a stream of chance of its own. */
export function initialWeights(graph: Network, seed: number): Float32Array {
  return perParameter(graph, ({ name, init }) => {
    if (init.kind === 'constant') return () => init.value
    const rng = stream(seed, 'weights', name)
    return () => init.deviation * rng.normal()
  })
}

function perParameter(graph: Network, values: (parameter: Parameter) => () => number): Float32Array {
  const flat = new Float32Array(countOf(graph, 'parameters'))
  let at = 0
  for (const parameter of graph.parameters) {
    const next = values(parameter)
    for (const end = at + sizeOf(parameter.shape); at < end; at++) flat[at] = next()
  }
  return flat
}
