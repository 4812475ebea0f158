import { convsNormRelu, type ConvsLayer } from '../convs.ts'
import { inLayer, type Tensor } from '../graph/graph.ts'
import { predictor } from '../layers.ts'

/** A prediction of `outputs` numbers for every place of a feature map: convolutions and a linear predictor. */
export function denseHead(name: string, features: Tensor, outputs: number, hidden: ConvsLayer): Tensor {
  return inLayer(features.graph, name, () => predictor('predictor', convsNormRelu('hidden', features, hidden), outputs))
}
