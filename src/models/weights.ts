import { stream } from '../rng.ts'
import { countOf } from './graph/bind.ts'
import { sizeOf, type Graph, type Parameter } from './graph/graph.ts'
import { weightFactors } from './param_groups.ts'

/** The weights a network starts with, one after another: each parameter has a stream of chance of its own. */
export function initialWeights(graph: Graph, seed: number): Float32Array {
  return perParameter(graph, ({ name, init }) => {
    if (init.kind === 'constant') return () => init.value
    const rng = stream(seed, 'weights', name)
    return () => init.deviation * rng.normal()
  })
}

/** One factor of the learning rate a weight. */
export function learningRateScale(graph: Graph, { backbone = 1 }: { readonly backbone?: number }): Float32Array {
  return weightFactors(graph, backbone === 1 ? [] : [{ pattern: 'backbone.*', lr: backbone }]).lrScale
}

/** 1 for the weights of convolutions, 0 for biases and normalisations. */
export function decayMask(graph: Graph): Float32Array {
  return weightFactors(graph).decays
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
