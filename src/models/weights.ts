import { stream } from '../rng.ts'
import { countOf } from './graph/bind.ts'
import { sizeOf, type Graph, type Parameter } from './graph/graph.ts'

/** The weights a network starts with, one after another: each parameter has a stream of chance of its own. */
export function initialWeights(graph: Graph, seed: number): Float32Array {
  return perParameter(graph, ({ name, init }) => {
    if (init.kind === 'constant') return () => init.value
    const rng = stream(seed, 'weights', name)
    return () => init.deviation * rng.normal()
  })
}

/** One factor of the learning rate a weight. */
export function learningRateScale(graph: Graph, multipliers: { readonly backbone?: number }): Float32Array {
  return perParameter(graph, ({ name }) => {
    const scale = name.startsWith('backbone.') ? (multipliers.backbone ?? 1) : 1
    return () => scale
  })
}

/** 1 for the weights of convolutions, 0 for biases and normalisations: weight decay would only disturb those. */
export function decayMask(graph: Graph): Float32Array {
  return perParameter(graph, ({ shape }) => {
    const decays = shape.length > 1 ? 1 : 0
    return () => decays
  })
}

function perParameter(graph: Graph, values: (parameter: Parameter) => () => number): Float32Array {
  const flat = new Float32Array(countOf(graph, 'parameters'))
  let at = 0
  for (const parameter of graph.parameters) {
    const next = values(parameter)
    for (const end = at + sizeOf(parameter.shape); at < end; at++) flat[at] = next()
  }
  return flat
}
