import type { Tensor } from '../graph/graph.ts'
import { inLayer } from '../graph/graph.ts'
import { convNormRelu } from '../layers.ts'

/** One 3 x 3 convolution a stage, each halving the image: features at strides 2, 4, 8, ... */
export function plainBackbone(images: Tensor, widths: readonly number[], norm: number): readonly Tensor[] {
  return inLayer(images.graph, 'backbone', () => {
    const features: Tensor[] = []
    for (const [i, channels] of widths.entries()) {
      features.push(convNormRelu(`stage${i + 1}`, features.at(-1) ?? images, { channels, kernel: 3, stride: 2, norm }))
    }
    return features
  })
}
