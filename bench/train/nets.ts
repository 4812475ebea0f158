import { relu } from '../../src/models/graph/activations.ts'
import { add } from '../../src/models/graph/arithmetic.ts'
import { upsampleNearest } from '../../src/models/graph/resize.ts'
import type { Tensor } from '../../src/models/graph/graph.ts'
import { inLayer } from '../../src/models/graph/graph.ts'
import { biasedConv, predictor } from '../../src/models/layers.ts'
import type { Model } from '../../src/models/model.ts'
import { buildModel } from '../../src/models/zoo.ts'

export const CLASSES = 8

/** A network that torch_side.py knows as well, and how many times PyTorch's time a step of it may take. */
export interface Net {
  readonly what: string
  readonly model: Model
  readonly norm: 'none' | 'group' | 'batch'
  readonly bound: number
}

const wide = { channels: 64, head: 32 }
/** Dilations of the one network that has them. */
export const RATES = [3, 6, 9]

export const NETS: Readonly<Record<string, Net>> = {
  plain: { what: 'plain net', model: plain(), norm: 'none', bound: 1.2 },
  group: {
    what: 'GroupNorm net',
    model: buildModel({ name: 'panoptic_deeplab', semantic: wide }, CLASSES),
    norm: 'group',
    bound: 1.1,
  },
  mobilenet: {
    what: 'MobileNetV2 x 0.5, FPN',
    model: buildModel({ name: 'panoptic_deeplab', backbone: { name: 'mobilenet' }, norm: { name: 'batch' } }, CLASSES),
    norm: 'batch',
    bound: 1.2,
  },
  dual: {
    what: 'Panoptic-DeepLab, dual ASPP and decoder',
    model: buildModel(
      {
        name: 'panoptic_deeplab',
        norm: { name: 'batch' },
        // PyTorch draws other numbers for dropout.
        neck: { name: 'aspp', channels: 64, rates: RATES, dropout: 0 },
        split: 'neck',
        convs: { kernel: 5, separable: true },
        semantic: wide,
        instance: { channels: 32, head: 32 },
      },
      CLASSES,
    ),
    norm: 'batch',
    bound: 1.3,
  },
}

/** The GroupNorm net without its normalisations. */
function plain(): Model {
  const model = buildModel({ name: 'panoptic_deeplab', semantic: wide }, CLASSES)
  return { ...model, name: 'plain', forward: plainHeads }
}

function plainHeads(images: Tensor) {
  const { graph } = images
  const convRelu = (name: string, x: Tensor, channels: number, kernel: number, stride = 1) => {
    const y = biasedConv(name, x, { channels, kernel, stride })
    return inLayer(graph, name, () => relu(y))
  }
  const features: Tensor[] = []
  for (const [i, width] of [16, 32, 64, 128].entries()) {
    features.push(convRelu(`backbone.stage${i + 1}`, features.at(-1) ?? images, width, 3, 2))
  }
  const laterals = features
    .slice(1)
    .map((x, i) => biasedConv(`decoder.lateral${i + 1}`, x, { channels: 64, kernel: 1 }))
  const merged = laterals.reduceRight((coarse, fine) => add(upsampleNearest(coarse), fine))
  const shared = convRelu('decoder.output', merged, 64, 3)
  const head = (name: string, outputs: number) =>
    inLayer(graph, name, () => predictor('predictor', convRelu('hidden', shared, 32, 3), outputs))
  return { semantic: head('semantic', CLASSES), center: head('center', 1), offset: head('offset', 2) }
}
