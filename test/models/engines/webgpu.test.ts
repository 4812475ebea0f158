import { expect, test } from 'vitest'
import { openOrtSession } from '../../../src/models/engines/ort.ts'
import { forWebGpu } from '../../../src/models/engines/webgpu.ts'
import { input, newGraph, output, type Program } from '../../../src/models/graph/graph.ts'
import { averagePool, maxPool } from '../../../src/models/graph/pooling.ts'
import { cpu, normals } from '../graph/gradient_error.ts'
import { tinyBatch, tinyState, tinyTraining } from './tiny_training.ts'

test('a training step as WebGPU takes it is bitwise the same on the CPU', async () => {
  const graph = tinyTraining(averagePool)
  const feeds = { ...tinyState(graph), ...tinyBatch(graph, 1), lr: Float32Array.of(0.1) }
  expect(await results(forWebGpu(graph), feeds)).toEqual(await results(graph, feeds))
})

test('WebGPU pools for predictions, and refuses to train max pooling by the name of its layer', async () => {
  const graph = newGraph()
  const images = input(graph, 'images', 'float32', [1, 2, 5, 5])
  graph.layer = 'stem'
  output('y', maxPool(images, { kernel: 3, stride: 2 }))
  const pooling = forWebGpu(graph)
  expect(pooling.nodes.map(({ outputs }) => outputs.length)).toEqual([1])
  const feeds = { images: normals(50, 'images') }
  expect(await results(pooling, feeds)).toEqual(await results(graph, feeds))

  expect(() => forWebGpu(tinyTraining())).toThrow('the network: onnxruntime cannot train max pooling with WebGPU')
})

async function results(program: Program, feeds: Readonly<Record<string, Float32Array | Int32Array>>) {
  const session = await openOrtSession(program, cpu)
  try {
    return await session.run(feeds)
  } finally {
    await session.close()
  }
}
