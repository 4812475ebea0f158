import { fedBatch } from '../../../src/models/step_values.ts'
import type { Inputs } from '../../../src/models/engines/session.ts'
import { sizeOf, type Graph } from '../../../src/models/graph/graph.ts'
import { parseLosses } from '../../../src/models/losses/options.ts'
import { initialState } from '../../../src/models/train_state.ts'
import { gradientGraph } from '../../../src/models/train_step.ts'
import { buildModel, type ModelOptions } from '../../../src/models/zoo.ts'
import { noiseBatch } from '../batches.ts'

const narrow = { semantic: { channels: 8, head: 8 }, instance: { channels: 8, head: 8 } }

/** A narrow network of every backbone and neck, which all kinds of operations are part of. */
export const networks: Readonly<Record<string, ModelOptions>> = {
  plain: { name: 'panoptic_deeplab', backbone: { name: 'plain', widths: [8, 8, 8] }, ...narrow },
  aspp: { name: 'panoptic_deeplab', backbone: { name: 'plain', widths: [8, 8, 8] }, neck: { name: 'aspp', channels: 8, separable: true }, split: 'neck', ...narrow }, // prettier-ignore
  resnet: { name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 10, width: 4, outputStride: 8 }, norm: { name: 'batch' }, ...narrow }, // prettier-ignore
  mobilenet: { name: 'panoptic_deeplab', backbone: { name: 'mobilenet', width: 0.2, outputStride: 8 }, ...narrow },
  convnext: { name: 'panoptic_deeplab', backbone: { name: 'convnext', width: 4, blocks: [1, 1] }, ...narrow },
}

/** A network's losses and gradient for an image of noise, and all that is fed. */
export function zooGradient(options: ModelOptions): { readonly graph: Graph; readonly feeds: Inputs } {
  const losses = parseLosses({}, 3)
  const weights = { semantic: 1, center: 20, offset: 0.1 }
  const model = buildModel(options, 3, [1, 2])
  const graph = gradientGraph({ model, size: 1, height: 16, width: 16, losses, weights, frozen: [] })
  const batch = noiseBatch(1, 16, 3, losses.stride ?? model.stride)
  return { graph, feeds: { ...stateOf(graph), ...fedBatch(batch, { weights }) } }
}

/** The network as it starts, and noise that drops some of what dropout may drop. */
function stateOf(graph: Graph): Inputs {
  const { weights, buffers } = initialState(graph, 1, [])
  const noise = graph.noise.map(({ name, shape }) => {
    return [name, Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i % 3) / 3)] as const
  })
  return { weights, buffers, ...Object.fromEntries(noise) }
}
