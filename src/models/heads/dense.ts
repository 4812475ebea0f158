import { inLayer, type Tensor } from '../graph/graph.ts'
import { convNormRelu, predictor } from '../layers.ts'

/** A prediction for every place of a feature map: a 3 x 3 convolution and a linear predictor. */
export function denseHead(name: string, features: Tensor, channels: number, outputs: number, norm: number): Tensor {
  return inLayer(features.graph, name, () => {
    const hidden = convNormRelu('hidden', features, { channels, kernel: 3, norm })
    return predictor('predictor', hidden, outputs)
  })
}
