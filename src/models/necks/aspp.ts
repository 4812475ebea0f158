import { count, counts, flag, oneOf, within, type Config } from '../config.ts'
import { convsNormRelu } from '../convs.ts'
import { concat } from '../graph/arithmetic.ts'
import { dropout } from '../graph/dropout.ts'
import { inLayer, sizes4, type Tensor } from '../graph/graph.ts'
import { globalAveragePool } from '../graph/pooling.ts'
import { resize, type ResizeMode } from '../graph/resize.ts'
import { convNormRelu, separableConvNormRelu, type Style } from '../layers.ts'
import type { Decoder, Neck } from './neck.ts'

const options = {
  /** Channels of each of its views, and of what they are joined to. Default 32; the papers': 256. */
  channels: count(32),
  /**
   * Dilations of its 3 x 3 convolutions, in cells of the coarsest features. Default [1, 2, 3], for maps of some ten
   * cells; the papers' of a hundred have [6, 12, 18] at stride 16 and [3, 6, 9] at stride 32.
   */
  rates: counts([1, 2, 3]),
  /** Whether those are depthwise-separable, as detectron2's. Default false. */
  separable: flag(false),
  /** Share of its result that training leaves out. Default 0.1; B's: 0.5. */
  dropout: within(0, 1, 0.1),
  /** How coarse maps grow to finer ones' size. Default half_pixel, as detectron2; B's and G's: align_corners. */
  upsampling: oneOf(['half_pixel', 'align_corners', 'nearest'], 'half_pixel'),
}

type Aspp = Config<typeof options>

/**
 * Atrous spatial pyramid pooling (Chen et al. 2017) and the decoder of Panoptic-DeepLab (Cheng et al. 2020), which joins
 * its result with ever finer features.
 */
export const aspp: Neck<typeof options> = {
  options,
  context(features, config, style) {
    const coarsest = features.at(-1)!
    const pooled = inLayer(coarsest.graph, 'aspp', () => pyramidPooling(coarsest, config, style))
    return [...features.slice(0, -1), pooled]
  },
  decode(features, { upsampling }, decoder) {
    const [coarsest, ...finer] = features.toReversed()
    return inLayer(coarsest!.graph, 'decoder', () => {
      return finer.reduce((coarse, fine, i) => joined(coarse, fine, finer.length - i, upsampling, decoder), coarsest!)
    })
  },
}

function pyramidPooling(x: Tensor, { channels, rates, separable, ...config }: Aspp, style: Style): Tensor {
  const atrous = separable ? separableConvNormRelu : convNormRelu
  const views = [
    convNormRelu('point', x, { channels, kernel: 1, ...style }),
    ...rates.map((dilation, i) => atrous(`atrous${i + 1}`, x, { channels, kernel: 3, dilation, ...style })),
    wholeImage(x, channels, style),
  ]
  const all = convNormRelu('project', concat(views), { channels, kernel: 1, ...style })
  return inLayer(x.graph, 'project', () => dropout(all, config.dropout))
}

/** The mean of all places, everywhere. */
function wholeImage(x: Tensor, channels: number, style: Style): Tensor {
  const [, , height, width] = sizes4(x)
  const mean = inLayer(x.graph, 'pooled', () => globalAveragePool(x))
  const seen = convNormRelu('pooled', mean, { channels, kernel: 1, ...style })
  return inLayer(x.graph, 'pooled', () => resize(seen, height, width, 'nearest'))
}

/** `level` counts from the finest. Finer features are brought to half the channels of the next coarser ones. */
function joined(coarse: Tensor, fine: Tensor, level: number, upsampling: ResizeMode, decoder: Decoder): Tensor {
  const { channels, lowLevel, convs, style } = decoder
  const [, , height, width] = sizes4(fine)
  return inLayer(fine.graph, `level${level}`, () => {
    const projected = convNormRelu('project', fine, { channels: lowLevel * 2 ** (level - 1), kernel: 1, ...style })
    const both = concat([resize(coarse, height, width, upsampling), projected])
    return convsNormRelu('fuse', both, { ...convs, inner: channels, channels, style })
  })
}
