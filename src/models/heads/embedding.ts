import { concat, scale } from '../graph/arithmetic.ts'
import { softmax } from '../graph/activations.ts'
import { conv } from '../graph/conv.ts'
import { constant, inLayer, int32s, sizes4, type Tensor } from '../graph/graph.ts'
import * as onnx from '../graph/onnx.ts'
import { resize } from '../graph/resize.ts'
import { convNormRelu, type Style } from '../layers.ts'

/**
 * Tells the instance branch what the semantic one has found: the shares of the classes of things, where a thing is the
 * likeliest, through two convolutions that each halve the map, joined to the coarsest features. The network it comes
 * from (VinAI's fork of bowenc0221) hands them to a second backbone, at the same stride 16, and in training adds where
 * things really are; this one has one backbone and sees no targets. No channels: nothing is told.
 */
export function withEmbedding(
  features: readonly Tensor[],
  semantic: Tensor,
  things: readonly number[],
  channels: number,
  style: Style,
): readonly Tensor[] {
  if (channels === 0) return features
  const coarsest = features.at(-1)!
  const [, , height, width] = sizes4(coarsest)
  return inLayer(semantic.graph, 'embedding', () => {
    const halved = convNormRelu('conv1', sharesOfThings(semantic, things), { channels, kernel: 3, stride: 2, ...style })
    const embedding = convNormRelu('conv2', halved, { channels, kernel: 3, stride: 2, ...style })
    return [...features.slice(0, -1), concat([coarsest, resize(embedding, height, width, 'half_pixel')])]
  })
}

/** N x things x h x w: a softmax's shares, 0 where the likeliest class is not a thing. */
function sharesOfThings(semantic: Tensor, things: readonly number[]): Tensor {
  const { graph } = semantic
  const [size, classes, height, width] = sizes4(semantic)
  const chosen = things.flatMap((thing) => Array.from({ length: classes }, (_, i) => (i === thing ? 1 : 0)))
  const shares = conv(softmax(semantic), constant(graph, [things.length, classes, 1, 1], chosen))
  const likeliest = onnx.reshape(onnx.toInt32(onnx.argMax(semantic, 1)), [size, 1, height, width])
  const isThing = onnx.sum(onnx.equal(likeliest, int32s(graph, [1, things.length, 1, 1], things)), [1])
  return scale(shares, isThing)
}
