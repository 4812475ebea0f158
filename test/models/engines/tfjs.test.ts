import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as tf from '@tensorflow/tfjs-core'
import { describe, expect, test } from 'vitest'
import { openOrtSession } from '../../../src/models/engines/ort.ts'
import { floats, type Inputs, type Session } from '../../../src/models/engines/session.ts'
import { openTfjsSession } from '../../../src/models/engines/tfjs.ts'
import { operations } from '../../../src/models/engines/tfjs_operations.ts'
import { gelu, relu, sigmoid, silu, softmax } from '../../../src/models/graph/activations.ts'
import { add, concat, mul } from '../../../src/models/graph/arithmetic.ts'
import { batchNorm } from '../../../src/models/graph/batch_norm.ts'
import { bindFlat } from '../../../src/models/graph/bind.ts'
import { conv } from '../../../src/models/graph/conv.ts'
import { dense } from '../../../src/models/graph/dense.ts'
import { dropout } from '../../../src/models/graph/dropout.ts'
import { newGraph, output, parameter, sizeOf, type Graph, type Purpose, type Shape, type Tensor } from '../../../src/models/graph/graph.ts' // prettier-ignore
import { groupNorm } from '../../../src/models/graph/group_norm.ts'
import { layerNorm } from '../../../src/models/graph/layer_norm.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { averagePool, globalAveragePool, maxPool } from '../../../src/models/graph/pooling.ts'
import { resize, upsampleBilinear, upsampleNearest } from '../../../src/models/graph/resize.ts'
import { gradients } from '../../../src/models/graph/reverse.ts'
import { cpu, normals, project, relativeError } from '../graph/gradient_error.ts'
import { carried, tinyBatch, tinyState, tinyTraining } from './tiny_training.ts'

await import('@tensorflow/tfjs-backend-cpu')
// It would advertise its native package.
tf.env().set('IS_TEST', true)

describe('TensorFlow.js gives the values and gradients of onnxruntime', () => {
  const images: Shape = [2, 4, 7, 6]
  const convolutions = [
    { kernel: 3 },
    { kernel: 1, stride: 2 },
    { kernel: 5, stride: 3 },
    { kernel: 3, dilation: 3 },
    { kernel: 3, stride: 2, dilation: 2 },
    { kernel: 3, groups: 2, stride: 2 },
    { kernel: 3, groups: 4 },
    { kernel: 5, groups: 4, stride: 2 },
    { kernel: 3, groups: 4, dilation: 2 },
    { kernel: 3, groups: 4, stride: 2, dilation: 2 },
  ]
  test.each(convolutions)('in a convolution %o', async ({ kernel, ...options }) => {
    const shapes = [images, [8, 4 / (options.groups ?? 1), kernel, kernel], [8]]
    const graph = graphOf(shapes, (x, weight, bias) => conv(x, weight, { ...options, bias }))
    expect(await disagreement(graph)).toBeLessThan(2e-6)
  })

  test.each([
    { kernel: 3, stride: 2 },
    { kernel: 2, stride: 2 },
    { kernel: 3, stride: 1 },
    { kernel: 5, stride: 3 },
  ])('in pooling %o', async (window) => {
    expect(await disagreement(graphOf([images], (x) => maxPool(x, window)))).toBeLessThan(2e-6)
    expect(await disagreement(graphOf([images], (x) => averagePool(x, window)))).toBeLessThan(2e-6)
  })

  const plain: Readonly<Record<string, (x: Tensor) => Tensor>> = { relu, gelu, silu, sigmoid, softmax, globalAveragePool } // prettier-ignore
  test.each(Object.entries(plain))('in %s', async (_, operation) => {
    expect(await disagreement(graphOf([images], operation))).toBeLessThan(2e-6)
  })

  test('in normalisations', async () => {
    const shapes = [images, [4], [4]]
    expect(await disagreement(graphOf(shapes, (x, a, b) => groupNorm(x, a, b, 2)))).toBeLessThan(1e-5)
    expect(await disagreement(graphOf(shapes, layerNorm))).toBeLessThan(1e-5)
    expect(await disagreement(graphOf(shapes, (x, a, b) => batchNorm(x, a, b), { isTraining: true }))).toBeLessThan(1e-5) // prettier-ignore
    expect(await disagreement(graphOf(shapes, (x, a, b) => batchNorm(x, a, b)))).toBeLessThan(1e-5)
  })

  test('in resizing', async () => {
    expect(await disagreement(graphOf([images], (x) => upsampleNearest(x, 3)))).toBeLessThan(2e-6)
    expect(await disagreement(graphOf([images], (x) => upsampleBilinear(x, 2)))).toBeLessThan(2e-6)
    expect(await disagreement(graphOf([images], (x) => resize(x, 5, 9, 'align_corners')))).toBeLessThan(2e-6)
  })

  test('in dense layers, dropout and arithmetic', async () => {
    expect(await disagreement(graphOf([[3, 4], [5, 4], [5]], dense))).toBeLessThan(2e-6)
    expect(await disagreement(graphOf([images], (x) => dropout(x, 0.4), { isTraining: true }))).toBeLessThan(2e-6)
    expect(await disagreement(graphOf([images, images], (a, b) => concat([add(a, b), mul(a, b)])))).toBeLessThan(2e-6)
  })
})

test('TensorFlow.js trains as onnxruntime does: losses, gradients and state over three steps', async () => {
  const graph = tinyTraining()
  const sessions = [await openOrtSession(graph, cpu), openTfjsSession(graph, tf)]
  const states = [tinyState(graph), tinyState(graph)]
  for (let step = 0; step < 3; step++) {
    const runs = sessions.map((session, i) => session.run({ ...states[i], ...tinyBatch(graph, step), lr: Float32Array.of(0.1) })) // prettier-ignore
    const [expected = {}, actual = {}] = await Promise.all(runs)
    for (const name of Object.keys(expected)) {
      expect(relativeError(floats(actual, name), floats(expected, name)), `${name} of step ${step}`).toBeLessThan(1e-5)
    }
    for (const [i, results] of [expected, actual].entries()) {
      states[i] = Object.fromEntries(Object.entries(carried).map(([name, output]) => [name, floats(results, output)]))
    }
  }
  await Promise.all(sessions.map((session) => session.close()))
})

test('TensorFlow.js is told how to do every operation that graphs are made of', () => {
  const dir = fileURLToPath(new URL('../../../src/models', import.meta.url))
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(?!engines).*(?<!scan)\.ts$/.test(name),
  )
  const emitted = files.flatMap((name) => {
    const text = readFileSync(`${dir}/${name}`, 'utf8')
    return [...text.matchAll(/\b(?:emit|emitAll|elementwise|reduce)\(\s*'(\w+)'|\bop: '(\w+)'/g)].map(([, call, node]) => call ?? node!) // prettier-ignore
  })
  expect(new Set(emitted).size).toBeGreaterThan(30)
  expect([...new Set(emitted)].filter((op) => !(op in operations))).toEqual([])
})

test('TensorFlow.js keeps no tensor of a run, nor of a session that is closed', async () => {
  const graph = graphOf([[2, 4, 6, 6]], (x) => maxPool(relu(x), { kernel: 2, stride: 2 }))
  const before = tf.memory().numTensors
  const session = openTfjsSession(graph, tf)
  const opened = tf.memory().numTensors
  for (let i = 0; i < 3; i++) await session.run(feedsFor(graph))
  await expect(session.run({})).rejects.toThrow("'weights' is not fed")
  expect(tf.memory().numTensors).toBe(opened)
  await session.close()
  expect(tf.memory().numTensors).toBe(before)
})

/** The result of an operation and the gradients of all its operands, which are one fed vector. */
function graphOf(shapes: readonly Shape[], operation: (...operands: Tensor[]) => Tensor, purpose: Purpose = {}): Graph {
  const graph = newGraph(purpose)
  graph.layer = 'test'
  const operands = shapes.map((shape, i) => parameter(graph, `x${i}`, shape, { kind: 'constant', value: 0 }))
  const y = operation(...operands)
  const flat = (tensor: Tensor) => onnx.reshape(tensor, [sizeOf(tensor.shape)])
  output('y', flat(y))
  output('gradient', onnx.concat(gradients(project(y)).map(flat), 0)) // prettier-ignore
  bindFlat(graph, 'weights')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')
  return graph
}

/** How far the engines are apart, relative to the values: the worst of all outputs. */
async function disagreement(graph: Graph): Promise<number> {
  const feeds = feedsFor(graph)
  const expected = await resultsOf(await openOrtSession(graph, cpu), feeds)
  const actual = await resultsOf(openTfjsSession(graph, tf), feeds)
  return Math.max(...Object.keys(expected).map((name) => relativeError(actual[name]!, expected[name]!)))
}

/** Numbers of N(0, 1), all positive where they are variances or chance. */
function feedsFor(graph: Graph): Inputs {
  const feeds = graph.inputs.map(({ name, shape }) => {
    const values = normals(sizeOf(shape), name)
    return [name, name === 'weights' ? values : values.map((value) => Math.abs(value))] as const
  })
  return Object.fromEntries(feeds)
}

async function resultsOf(session: Session, feeds: Inputs): Promise<Readonly<Record<string, Float32Array>>> {
  try {
    return (await session.run(feeds)) as Readonly<Record<string, Float32Array>>
  } finally {
    await session.close()
  }
}
