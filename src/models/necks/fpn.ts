import { inLayer, type Tensor } from '../graph/graph.ts'
import { upsampleNearest } from '../graph/resize.ts'
import { convNorm, convNormRelu, sum } from '../layers.ts'

/**
 * Feature pyramid (Lin et al. 2017), summed down to its finest level: from the coarsest feature map on, doubled in size
 * and added to the next finer one, all brought to `channels`. `features` run from fine to coarse.
 */
export function featurePyramid(features: readonly Tensor[], channels: number, norm: number): Tensor {
  return inLayer(features[0]!.graph, 'decoder', () => {
    const [coarsest, ...finer] = features
      .map((feature, i) => convNorm(`lateral${i + 1}`, feature, { channels, kernel: 1, norm }))
      .toReversed()
    const merged = finer.reduce(
      (coarse, fine, i) => sum(`merge${finer.length - i}`, upsampleNearest(coarse), fine),
      coarsest!,
    )
    return convNormRelu('output', merged, { channels, kernel: 3, norm })
  })
}
