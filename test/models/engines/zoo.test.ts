import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { fedBatch } from '../../../src/models/compiled_step.ts'
import { openOrtSession } from '../../../src/models/engines/ort.ts'
import { floats, type Inputs } from '../../../src/models/engines/session.ts'
import { openTfjsSession } from '../../../src/models/engines/tfjs.ts'
import { sizeOf, type Graph } from '../../../src/models/graph/graph.ts'
import { parseLosses } from '../../../src/models/losses/options.ts'
import { initialState } from '../../../src/models/train_state.ts'
import { gradientGraph } from '../../../src/models/train_step.ts'
import { buildModel, type ModelOptions } from '../../../src/models/zoo.ts'
import { noiseBatch } from '../batches.ts'
import { cpu, relativeError } from '../graph/gradient_error.ts'

await import('@tensorflow/tfjs-backend-cpu')
tf.env().set('IS_TEST', true)

const losses = parseLosses({}, 3)
const weights = { semantic: 1, center: 20, offset: 0.1 }
const narrow = { semantic: { channels: 8, head: 8 }, instance: { channels: 8, head: 8 } }
const networks: readonly ModelOptions[] = [
  { name: 'panoptic_deeplab', backbone: { name: 'plain', widths: [8, 8, 8] }, ...narrow },
  { name: 'panoptic_deeplab', backbone: { name: 'plain', widths: [8, 8, 8] }, neck: { name: 'aspp', channels: 8, separable: true }, split: 'neck', ...narrow }, // prettier-ignore
  { name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 10, width: 4, outputStride: 8 }, norm: { name: 'batch' }, ...narrow }, // prettier-ignore
  { name: 'panoptic_deeplab', backbone: { name: 'mobilenet', width: 0.2, outputStride: 8 }, ...narrow },
  { name: 'panoptic_deeplab', backbone: { name: 'convnext', width: 4, blocks: [1, 1] }, ...narrow },
]

test.each(networks)(
  'TensorFlow.js has the losses and the gradient of onnxruntime for the network %#',
  async (options) => {
    const model = buildModel(options, 3, [1, 2])
    const graph = gradientGraph({ model, size: 1, height: 16, width: 16, losses, weights, frozen: [] })
    const feeds = { ...stateOf(graph), ...fedBatch(noiseBatch(1, 16, 3, losses.stride ?? model.stride), { weights }) }
    const [ort, tfjs] = [await openOrtSession(graph, cpu), openTfjsSession(graph, tf)]
    const [expected, actual] = [await ort.run(feeds), await tfjs.run(feeds)]
    await Promise.all([ort.close(), tfjs.close()])
    const apart = Object.keys(expected).map((name) => [
      name,
      relativeError(floats(actual, name), floats(expected, name)),
    ])
    expect(apart.filter(([, error]) => Number(error) > 1e-4)).toEqual([])
  },
)

/** The network as it starts, and noise that drops every third of what dropout may drop. */
function stateOf(graph: Graph): Inputs {
  const { weights, buffers } = initialState(graph, 1, [])
  const noise = graph.noise.map(({ name, shape }) => [
    name,
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => (i % 3) / 3),
  ])
  return { weights, buffers, ...Object.fromEntries(noise) } as Inputs
}
