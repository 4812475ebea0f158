import { convsNormRelu } from '../convs.ts'
import { inLayer, type Tensor } from '../graph/graph.ts'
import { upsampleNearest } from '../graph/resize.ts'
import { convNorm, sum, type Style } from '../layers.ts'
import type { Neck } from './neck.ts'

const options = {}

/** Feature pyramid summed down to its finest level. */
export const fpn: Neck<typeof options> = {
  options,
  context: (features) => features,
  decode(features, _, { channels, convs, style }) {
    return inLayer(features[0]!.graph, 'decoder', () => {
      const [finest] = featurePyramid(features, channels, style)
      return convsNormRelu('output', finest!, { ...convs, inner: channels, channels, style })
    })
  },
}

/**
 * Feature pyramid (Lin et al. 2017): from the coarsest feature map on, each doubled in size and added to the next finer
 * one, all brought to `channels`. Features and levels run from fine to coarse.
 */
export function featurePyramid(features: readonly Tensor[], channels: number, style: Style): readonly Tensor[] {
  const laterals = features.map((x, i) => convNorm(`lateral${i + 1}`, x, { channels, kernel: 1, ...style }))
  const levels: Tensor[] = []
  for (const [i, lateral] of [...laterals.entries()].toReversed()) {
    const [coarser] = levels
    levels.unshift(coarser ? sum(`merge${i + 1}`, upsampleNearest(coarser), lateral) : lateral)
  }
  return levels
}
