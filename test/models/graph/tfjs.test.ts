import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { openSession } from '../../../src/models/engines/open.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { gelu, relu, sigmoid, silu, softmax } from '../../../src/models/graph/activations.ts'
import { add, concat, mul } from '../../../src/models/graph/arithmetic.ts'
import { batchNorm } from '../../../src/models/graph/batch_norm.ts'
import { bindFlat } from '../../../src/models/graph/bind.ts'
import { conv } from '../../../src/models/graph/conv.ts'
import { dense } from '../../../src/models/graph/dense.ts'
import { newGraph, output, parameter, sizeOf, type Shape, type Tensor } from '../../../src/models/graph/graph.ts'
import { groupNorm } from '../../../src/models/graph/group_norm.ts'
import { layerNorm } from '../../../src/models/graph/layer_norm.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { averagePool, globalAveragePool, maxPool } from '../../../src/models/graph/pooling.ts'
import { resize, upsampleBilinear } from '../../../src/models/graph/resize.ts'
import { gradients } from '../../../src/models/graph/reverse.ts'
import { cpu, normals, project, relativeError } from './gradient_error.ts'

/*
 * Values and gradients of each operation against TensorFlow.js's own of the same name: another team's mathematics, not
 * only another way to the same. Its gradients of nearest and of half-pixel bilinear resizing are wrong, those of all
 * bilinear ones for images that are not square, and it has none of dilated, grouped and 7 x 7 depthwise convolutions over few pixels: those are left to finite differences.
 */

await import('@tensorflow/tfjs-backend-cpu')
// It would advertise its native package.
tf.env().set('IS_TEST', true)
await registerGradients()

/** Its gradients come as a module that only bundlers can read. They go to a registry that all copies of it share. */
async function registerGradients(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-core/dist/register_all_gradients.js')
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-'))
  try {
    const outfile = join(dir, 'gradients.mjs')
    await build({ entryPoints: [entry], bundle: true, format: 'esm', outfile })
    await import(outfile)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

type Tf = tf.Tensor
type Tf4 = tf.Tensor4D

/** Images as TensorFlow.js wants them, and back. */
const channelsLast = (x: Tf) => tf.transpose(x, [0, 2, 3, 1]) as Tf4
const channelsFirst = (x: Tf) => tf.transpose(x, [0, 3, 1, 2])
const perChannel = (x: Tf) => tf.reshape(x, [1, -1, 1, 1])

/** How far our values and gradients are off, with onnxruntime. `theirs` takes the same operands, and gives the same. */
async function errors(
  shapes: readonly Shape[],
  ours: (...operands: Tensor[]) => Tensor,
  theirs: (...operands: Tf[]) => Tf,
): Promise<{ readonly value: number; readonly gradient: number }> {
  const graph = newGraph({ isTraining: true })
  graph.layer = 'test'
  const y = ours(...shapes.map((shape, i) => parameter(graph, `x${i}`, shape, { kind: 'constant', value: 0 })))
  output('y', y)
  output('gradient', onnx.concat(gradients(project(y)).map((part) => onnx.reshape(part, [sizeOf(part.shape)])), 0)) // prettier-ignore
  const weights = normals(sizeOf(bindFlat(graph, 'weights').shape), 'operands')
  if (graph.buffers.length > 0) bindFlat(graph, 'buffers', 'buffers')
  const buffers = new Float32Array(graph.buffers.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).fill(1)
  const session = await openSession(graph, cpu)
  const results = await session.run({ weights, buffers })
  await session.close()

  const ends = shapes.map((_, i) => shapes.slice(0, i + 1).reduce((sum, shape) => sum + sizeOf(shape), 0))
  const operands = shapes.map((shape, i) => tf.tensor(weights.slice(ends[i]! - sizeOf(shape), ends[i]), [...shape]))
  const expected = theirs(...operands)
  const projection = tf.tensor(normals(expected.size, 'projection'), expected.shape)
  const slopes = tf.grads((...inputs: Tf[]) => tf.sum(tf.mul(theirs(...inputs), projection)))(operands)
  const gradient = slopes.flatMap((slope) => [...slope.dataSync()])
  expect(y.shape).toEqual(expected.shape)
  return {
    value: relativeError(floats(results, 'y'), expected.dataSync()),
    gradient: relativeError(floats(results, 'gradient'), gradient),
  }
}

/** The larger of both. */
async function disagreement(...compared: Parameters<typeof errors>): Promise<number> {
  const { value, gradient } = await errors(...compared)
  return Math.max(value, gradient)
}

/** As much padding on each side as keeps the size at stride 1. */
function padded(x: Tf, kernel: number): Tf4 {
  const around = (kernel - 1) / 2
  return tf.pad(channelsLast(x), [
    [0, 0],
    [around, around],
    [around, around],
    [0, 0],
  ])
}

/** Of zero mean and unit variance along an axis. */
function standardized(x: Tf, axis: number, epsilon: number): Tf {
  const { mean, variance } = tf.moments(x, axis, true)
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)))
}

describe('values and gradients are those of TensorFlow.js', () => {
  test.each([
    { kernel: 1, stride: 1 },
    { kernel: 1, stride: 2 },
    { kernel: 3, stride: 1 },
    { kernel: 3, stride: 2 },
    { kernel: 5, stride: 3 },
  ])('of a convolution, $kernel x $kernel at stride $stride', async ({ kernel, stride }) => {
    const shapes = [[2, 3, 6, 5], [4, 3, kernel, kernel], [4]]
    expect(
      await disagreement(
        shapes,
        (x, weight, bias) => conv(x, weight, { stride, bias }),
        (x, weight, bias) => {
          const filters = tf.transpose(weight, [2, 3, 1, 0]) as Tf4
          return channelsFirst(tf.add(tf.conv2d(padded(x, kernel), filters, stride, 'valid'), bias))
        },
      ),
    ).toBeLessThan(1e-5)
  })

  test.each([
    { kernel: 3, stride: 1, width: 5 },
    { kernel: 3, stride: 1, width: 26 },
    { kernel: 3, stride: 2, width: 6 },
    { kernel: 3, stride: 2, width: 60 },
    { kernel: 5, stride: 1, width: 7 },
  ])(
    'of a depthwise convolution, $kernel x $kernel at stride $stride, $width wide',
    async ({ kernel, stride, width }) => {
      const shapes = [
        [2, 3, 6, width],
        [3, 1, kernel, kernel],
      ]
      expect(
        await disagreement(
          shapes,
          (x, weight) => conv(x, weight, { stride, groups: 3 }),
          (x, weight) => {
            const filters = tf.transpose(weight, [2, 3, 0, 1]) as Tf4
            return channelsFirst(tf.depthwiseConv2d(padded(x, kernel), filters, stride, 'valid'))
          },
        ),
      ).toBeLessThan(1e-5)
    },
  )

  test('of a batch normalisation by the statistics of the batch', async () => {
    expect(
      await disagreement(
        [[3, 4, 3, 2], [4], [4]],
        (x, scale, shift) => batchNorm(x, scale, shift),
        (x, scale, shift) => {
          const pixels = channelsLast(x)
          const { mean, variance } = tf.moments(pixels, [0, 1, 2])
          return channelsFirst(
            tf.batchNorm(
              pixels,
              mean as tf.Tensor1D,
              variance as tf.Tensor1D,
              shift as tf.Tensor1D,
              scale as tf.Tensor1D,
              1e-5,
            ),
          )
        },
      ),
    ).toBeLessThan(1e-5)
  })

  test('of a layer normalisation over channels', async () => {
    expect(
      await disagreement(
        [[2, 4, 3, 2], [4], [4]],
        (x, scale, shift) => layerNorm(x, scale, shift),
        (x, scale, shift) => tf.add(tf.mul(standardized(x, 1, 1e-6), perChannel(scale)), perChannel(shift)),
      ),
    ).toBeLessThan(1e-5)
  })

  test('of a group normalisation', async () => {
    expect(
      await disagreement(
        [[2, 6, 3, 2], [6], [6]],
        (x, scale, shift) => groupNorm(x, scale, shift, 3),
        (x, scale, shift) => {
          const normalized = tf.reshape(standardized(tf.reshape(x, [2, 3, 12]), 2, 1e-5), [2, 6, 3, 2])
          return tf.add(tf.mul(normalized, perChannel(scale)), perChannel(shift))
        },
      ),
    ).toBeLessThan(1e-5)
  })

  test.each([
    { name: 'ReLU', ours: relu, theirs: (x: Tf) => tf.relu(x) },
    { name: 'sigmoid', ours: sigmoid, theirs: (x: Tf) => tf.sigmoid(x) },
    { name: 'SiLU', ours: silu, theirs: (x: Tf) => tf.mul(x, tf.sigmoid(x)) },
    { name: 'GELU', ours: gelu, theirs: (x: Tf) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)) },
    { name: 'softmax', ours: (x: Tensor) => softmax(x), theirs: (x: Tf) => channelsFirst(tf.softmax(channelsLast(x))) },
  ])('of $name', async ({ name, ours, theirs }) => {
    // Their error function is an approximation to 1.5e-7 of 1, and so are we no closer where the density is small.
    const error = await disagreement(
      [[2, 5, 3, 2]],
      (x) => ours(x),
      (x) => theirs(x),
    )
    expect(error).toBeLessThan(name === 'GELU' ? 1e-4 : 1e-5)
  })

  test.each([
    { kernel: 3, stride: 2 },
    { kernel: 3, stride: 1 },
    { kernel: 1, stride: 2 },
  ])('of the largest of windows, $kernel x $kernel at stride $stride', async ({ kernel, stride }) => {
    expect(
      await disagreement(
        [[2, 2, 7, 6]],
        (x) => maxPool(x, { kernel, stride }),
        (x) => {
          // Below all that there is, so that padding is never the largest.
          const lowered = tf.sub(padded(tf.add(x, 100), kernel), 100) as Tf4
          return channelsFirst(tf.maxPool(lowered, kernel, stride, 'valid'))
        },
      ),
    ).toBeLessThan(1e-5)
  })

  test('of the mean of windows, and of whole images', async () => {
    expect(
      await disagreement(
        [[2, 2, 6, 4]],
        (x) => averagePool(x, { kernel: 2, stride: 2 }),
        (x) => channelsFirst(tf.avgPool(channelsLast(x), 2, 2, 'valid')),
      ),
    ).toBeLessThan(1e-5)
    expect(await disagreement([[2, 3, 4, 2]], globalAveragePool, (x) => tf.mean(x, [2, 3], true))).toBeLessThan(1e-5)
  })

  test.each([
    [9, 7],
    [3, 2],
    [1, 4],
  ])('of resizing with aligned corners to %i x %i', async (height, width) => {
    expect(
      await disagreement(
        [[2, 2, 4, 4]],
        (x) => resize(x, height, width, 'align_corners'),
        (x) => channelsFirst(tf.image.resizeBilinear(channelsLast(x), [height, width], true)),
      ),
    ).toBeLessThan(1e-5)
  })

  test('of bilinear upsampling, its values only', async () => {
    const { value } = await errors(
      [[2, 2, 4, 4]],
      (x) => upsampleBilinear(x, 4),
      (x) => channelsFirst(tf.image.resizeBilinear(channelsLast(x), [16, 16], false, true)),
    )
    expect(value).toBeLessThan(1e-5)
  })

  test('of a dense layer', async () => {
    expect(
      await disagreement([[3, 4], [5, 4], [5]], dense, (x, weight, bias) => {
        return tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias)
      }),
    ).toBeLessThan(1e-5)
  })

  test('of sums, stretched products and tensors joined', async () => {
    expect(
      await disagreement(
        [
          [2, 3, 2, 2],
          [2, 3, 1, 1],
        ],
        (a, b) => concat([add(a, mul(a, b)), a]),
        (a, b) => tf.concat([tf.add(a, tf.mul(a, b)), a], 1),
      ),
    ).toBeLessThan(1e-5)
  })
})
