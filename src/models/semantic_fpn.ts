import { count } from './config.ts'
import { add } from './graph/arithmetic.ts'
import { inLayer, type Tensor } from './graph/graph.ts'
import { upsampleBilinear } from './graph/resize.ts'
import { convNorm, convNormRelu, predictor, type Style } from './layers.ts'
import type { Architecture } from './model.ts'
import { featurePyramid } from './necks/fpn.ts'

const options = {
  /** Channels of the feature pyramid. Default 32; the paper's: 256. */
  pyramid: count(32),
  /** Channels of the branch that predicts. Default 32; the paper's: 128. */
  channels: count(32),
}

/** The semantic branch of Panoptic FPN (Kirillov et al. 2019): classes only, no instances. */
export const semanticFpn: Architecture<typeof options> = {
  options,
  heads(features, { pyramid, channels }, { classes, norm }) {
    const style = { norm }
    const { graph } = features[0]!
    const levels = inLayer(graph, 'pyramid', () => {
      const merged = featurePyramid(features, pyramid, style)
      return merged.map((x, i) => convNorm(`output${i + 1}`, x, { channels: pyramid, kernel: 3, ...style }))
    })
    const semantic = inLayer(graph, 'semantic', () => {
      const grown = levels.map((level, i) => grow(`level${i + 1}`, level, i, channels, style))
      return predictor('predictor', grown.reduce(add), classes)
    })
    return { semantic }
  },
}

/** Brings a level to the finest one's size, a convolution before each of its doublings; the finest gets one, too. */
function grow(name: string, level: Tensor, doublings: number, channels: number, style: Style): Tensor {
  return inLayer(level.graph, name, () => {
    if (doublings === 0) return convNormRelu('conv1', level, { channels, kernel: 3, ...style })
    let last = level
    for (let i = 1; i <= doublings; i++) {
      last = upsampleBilinear(convNormRelu(`conv${i}`, last, { channels, kernel: 3, ...style }), 2)
    }
    return last
  })
}
