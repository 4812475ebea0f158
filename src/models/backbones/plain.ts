import { counts } from '../config.ts'
import { inLayer, type Tensor } from '../graph/graph.ts'
import { convNormRelu } from '../layers.ts'
import type { Backbone } from './backbone.ts'

const options = {
  /** Channels at strides 2, 4, 8, ... Default [16, 32, 64, 128]. */
  widths: counts([16, 32, 64, 128], 2),
}

/** One 3 x 3 convolution a stage, each halving the image. */
export const plain: Backbone<typeof options> = {
  options,
  stride: ({ widths }) => 2 ** widths.length,
  features(images, { widths }, norm) {
    return inLayer(images.graph, 'backbone', () => {
      const features: Tensor[] = []
      for (const [i, channels] of widths.entries()) {
        features.push(
          convNormRelu(`stage${i + 1}`, features.at(-1) ?? images, { channels, kernel: 3, stride: 2, norm }),
        )
      }
      return features
    })
  },
}
