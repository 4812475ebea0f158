import type { Inputs } from '../../../src/models/engines/session.ts'
import { gelu, relu } from '../../../src/models/graph/activations.ts'
import { batchNorm } from '../../../src/models/graph/batch_norm.ts'
import { bindFlat, countOf } from '../../../src/models/graph/bind.ts'
import { conv } from '../../../src/models/graph/conv.ts'
import { dropout } from '../../../src/models/graph/dropout.ts'
import { inLayer, input, newGraph, output, parameter, sizeOf, type Graph, type Shape, type Tensor } from '../../../src/models/graph/graph.ts' // prettier-ignore
import * as onnx from '../../../src/models/graph/onnx.ts'
import { maxPool } from '../../../src/models/graph/pooling.ts'
import { upsampleBilinear } from '../../../src/models/graph/resize.ts'
import { differentiable, gradients } from '../../../src/models/graph/reverse.ts'
import { normals } from '../graph/gradient_error.ts'

/** What a training step of `tinyTraining` hands to the next. */
export const carried = { weights: 'newWeights', velocity: 'newVelocity', buffers: 'newBuffers' }

/**
 * One step of a network of few layers but many kinds: images, a target, noise and the state in; the loss, the gradient
 * and the new state out. Gradient descent with momentum, the learning rate being fed.
 */
export function tinyTraining(pool: typeof maxPool = maxPool): Graph {
  const graph = newGraph({ isTraining: true })
  const loss = squaredError(network(input(graph, 'images', 'float32', [2, 3, 12, 12]), pool), [2, 2, 12, 12])
  const gradient = flat(gradients(loss))
  const weights = bindFlat(graph, 'weights')
  const velocity = input(graph, 'velocity', 'float32', weights.shape)
  bindFlat(graph, 'buffers', 'buffers')

  graph.layer = 'optimizer'
  const newVelocity = onnx.add(onnx.mul(velocity, 0.9), gradient)
  output('loss', loss)
  output('gradient', gradient)
  output('newVelocity', newVelocity)
  output('newWeights', onnx.sub(weights, onnx.mul(newVelocity, input(graph, 'lr', 'float32', []))))
  output('newBuffers', flat(graph.buffers.map(({ name }) => graph.updates.get(name)!)))
  return graph
}

export function tinyState(graph: Graph): Inputs {
  const count = countOf(graph, 'parameters')
  const buffers = new Float32Array(countOf(graph, 'buffers')).fill(1)
  return { weights: normals(count, 'weights').map((x) => 0.3 * x), velocity: new Float32Array(count), buffers }
}

/** What one step is fed with; other numbers in every step. */
export function tinyBatch(graph: Graph, step: number): Inputs {
  const fed = graph.inputs.filter(({ name }) => !(name in carried) && name !== 'lr')
  const batch = fed.map(({ name, shape }) => {
    const values = normals(sizeOf(shape), `${name} ${step}`)
    return [name, graph.noise.some((noise) => noise.name === name) ? values.map((x) => Math.abs(x) % 1) : values]
  })
  return Object.fromEntries(batch) as Inputs
}

function network(images: Tensor, pool: typeof maxPool): Tensor {
  const { graph } = images
  const weight = (name: string, shape: Shape) => parameter(graph, name, shape, { kind: 'constant', value: 0 })
  const stem = inLayer(graph, 'stem', () => {
    const y = conv(images, weight('weight', [8, 3, 3, 3]), { stride: 2 })
    return relu(batchNorm(y, weight('scale', [8]), weight('shift', [8])))
  })
  const pooled = pool(stem, { kernel: 3, stride: 2 })
  const body = inLayer(graph, 'body', () => {
    const y = gelu(conv(pooled, weight('depthwise', [8, 1, 3, 3]), { groups: 8, dilation: 2 }))
    return dropout(conv(y, weight('weight', [6, 8, 1, 1]), { bias: weight('bias', [6]) }), 0.2)
  })
  return inLayer(graph, 'head', () => upsampleBilinear(conv(body, weight('weight', [2, 6, 3, 3])), 4))
}

/** Of each output: its mean square distance from a target that is fed. */
function squaredError(y: Tensor, shape: Shape): Tensor {
  y.graph.layer = 'loss'
  const difference = onnx.sub(y, input(y.graph, 'target', 'float32', shape))
  const mean = onnx.mul(onnx.total(onnx.mul(difference, difference)), 1 / sizeOf(shape))
  return differentiable(mean, [y, (dy) => onnx.mul(onnx.mul(difference, 2 / sizeOf(shape)), dy)])
}

function flat(tensors: readonly Tensor[]): Tensor {
  return onnx.concat(tensors.map((tensor) => onnx.reshape(tensor, [sizeOf(tensor.shape)])), 0) // prettier-ignore
}
