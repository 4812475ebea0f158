import { describe, expect, test } from 'vitest'
import { gelu, relu, sigmoid, silu, softmax } from '../../../src/models/graph/activations.ts'
import { add, concat, mul, reshape, scale } from '../../../src/models/graph/arithmetic.ts'
import { batchNorm } from '../../../src/models/graph/batch_norm.ts'
import { conv } from '../../../src/models/graph/conv.ts'
import { dense } from '../../../src/models/graph/dense.ts'
import { dropout } from '../../../src/models/graph/dropout.ts'
import { inLayer, input, newGraph, parameter, type Tensor } from '../../../src/models/graph/graph.ts'
import { groupNorm } from '../../../src/models/graph/group_norm.ts'
import { layerNorm } from '../../../src/models/graph/layer_norm.ts'
import { averagePool, globalAveragePool, maxPool } from '../../../src/models/graph/pooling.ts'
import { resize, upsampleBilinear, upsampleNearest } from '../../../src/models/graph/resize.ts'
import { gradients } from '../../../src/models/graph/reverse.ts'
import { gradientError, project } from './gradient_error.ts'

describe('the gradient is that of finite differences in float64', () => {
  const convolutions = [
    { name: 'a 3x3 convolution', kernel: 3, options: {} },
    { name: 'a 1x1 convolution', kernel: 1, options: {} },
    { name: 'a strided convolution', kernel: 3, options: { stride: 2 } },
    { name: 'a strided 1x1 convolution', kernel: 1, options: { stride: 2 } },
    { name: 'a 5x5 convolution of stride 3', kernel: 5, options: { stride: 3 } },
    { name: 'a dilated convolution', kernel: 3, options: { dilation: 2 } },
    { name: 'a strided dilated convolution', kernel: 3, options: { stride: 2, dilation: 2 } },
    { name: 'a grouped convolution', kernel: 3, options: { groups: 2 } },
    { name: 'a strided grouped convolution', kernel: 3, options: { stride: 2, groups: 2 } },
    { name: 'a depthwise convolution', kernel: 3, options: { groups: 4 } },
  ]
  test.each(convolutions)('of $name with bias', async ({ kernel, options }) => {
    const inner = 4 / ('groups' in options ? options.groups : 1)
    const shapes = [[2, 4, 6, 5], [4, inner, kernel, kernel], [4]]
    expect(await gradientError(shapes, (x, weight, bias) => conv(x, weight, { ...options, bias: bias }))).toBeLessThan(
      1e-5,
    )
  })

  test('of a group normalisation, its scale and its shift', async () => {
    expect(
      await gradientError([[2, 6, 3, 4], [6], [6]], (x, weight, shift) => groupNorm(x, weight, shift, 3)),
    ).toBeLessThan(1e-5)
  })

  test('of ReLU', async () => {
    expect(await gradientError([[2, 3, 4, 4]], (x) => relu(x))).toBeLessThan(1e-5)
  })

  test.each(Object.entries({ sigmoid, silu, gelu, softmax }))('of %s', async (_, activation) => {
    expect(await gradientError([[2, 5, 2, 3]], (x) => activation(x))).toBeLessThan(1e-5)
  })

  test.each([
    ['the batch', { isTraining: true }],
    ['a frozen layer', { isTraining: true, isFrozen: (layer: string) => layer.endsWith('norm') }],
    ['predictions', {}],
  ])('of the batch normalisation of %s', async (_, purpose) => {
    const normalized = (x: Tensor, weight: Tensor, shift: Tensor) => {
      return inLayer(x.graph, 'norm', () => batchNorm(x, weight, shift))
    }
    expect(await gradientError([[2, 3, 3, 4], [3], [3]], normalized, purpose)).toBeLessThan(1e-5)
  })

  test('of a layer normalisation, its scale and its shift', async () => {
    expect(await gradientError([[2, 5, 3, 4], [5], [5]], layerNorm)).toBeLessThan(1e-5)
  })

  test('of dropout with given noise', async () => {
    expect(await gradientError([[2, 3, 4]], (x) => dropout(x, 0.3), { isTraining: true })).toBeLessThan(1e-5)
  })

  test('of a dense layer', async () => {
    expect(await gradientError([[3, 4], [5, 4], [5]], dense)).toBeLessThan(1e-5)
  })

  test.each([
    [{ kernel: 3, stride: 2 }],
    [{ kernel: 2, stride: 2 }],
    [{ kernel: 3, stride: 1 }],
    [{ kernel: 2, stride: 3 }],
    [{ kernel: 5, stride: 2 }],
  ])('of pooling windows %o', async (window) => {
    expect(await gradientError([[2, 2, 7, 6]], (x) => maxPool(x, window))).toBeLessThan(1e-5)
    expect(await gradientError([[2, 2, 7, 6]], (x) => averagePool(x, window))).toBeLessThan(1e-5)
  })

  test('of the mean of each image', async () => {
    expect(await gradientError([[2, 3, 3, 4]], globalAveragePool)).toBeLessThan(1e-5)
  })

  test.each(['nearest', 'half_pixel', 'align_corners'] as const)('of resizing, %s', async (mode) => {
    expect(await gradientError([[2, 2, 4, 5]], (x) => resize(x, 7, 3, mode))).toBeLessThan(1e-5)
  })

  test('of a product of stretched tensors, in another shape', async () => {
    const shapes = [
      [2, 3, 2, 4],
      [3, 1, 4],
      [2, 1, 1, 1],
    ]
    expect(await gradientError(shapes, (a, b, c) => reshape(mul(mul(a, b), c), [6, 8]))).toBeLessThan(1e-5)
  })

  test('of a sum, where one tensor is used twice', async () => {
    expect(
      await gradientError(
        [
          [2, 3],
          [2, 3],
        ],
        (a, b) => add(add(a, b), scale(a, 3)),
      ),
    ).toBeLessThan(1e-5)
  })

  test('of tensors joined along their channels', async () => {
    expect(
      await gradientError(
        [
          [2, 1, 3, 3],
          [2, 4, 3, 3],
        ],
        (a, b) => concat([a, b, a]),
      ),
    ).toBeLessThan(1e-5)
  })

  test.each([2, 3])('of nearest upsampling by %i', async (factor) => {
    expect(await gradientError([[2, 2, 3, 4]], (x) => upsampleNearest(x, factor))).toBeLessThan(1e-5)
  })

  test.each([2, 3, 4])('of bilinear upsampling by %i', async (factor) => {
    expect(await gradientError([[2, 2, 3, 4]], (x) => upsampleBilinear(x, factor))).toBeLessThan(1e-5)
  })
})

test('a parameter that the loss does not reach has gradient 0', async () => {
  expect(await gradientError([[2], [3]], (used) => scale(used, 2))).toBeLessThan(1e-5)
})

test('the way back to a fed image is not written, and that to the weights is', () => {
  const graph = newGraph()
  const image = input(graph, 'image', 'float32', [1, 3, 8, 8])
  const weight = parameter(graph, 'weight', [4, 3, 3, 3], { kind: 'constant', value: 1 })
  const [gradient] = gradients(project(conv(image, weight, { stride: 2 })))
  expect(gradient!.shape).toEqual(weight.shape)
  expect(graph.nodes.map(({ op }) => op)).not.toContain('ConvTranspose')
})

describe('tensors that do not fit are refused', () => {
  const graph = newGraph()
  graph.layer = 'decoder.merge2'
  const tensor = (...shape: number[]) =>
    parameter(graph, `t${graph.parameters.length}`, shape, { kind: 'constant', value: 0 })

  test.each([
    ['a sum of different sizes', () => add(tensor(1, 2, 4, 4), tensor(1, 2, 4, 5)), /\[1, 2, 4, 4\].*\[1, 2, 4, 5\]/],
    [
      'weights for other channels',
      () => conv(tensor(1, 2, 4, 4), tensor(8, 3, 3, 3)),
      /\[1, 2, 4, 4\].*\[8, 3, 3, 3\]/,
    ],
    ['a kernel of even size', () => conv(tensor(1, 2, 4, 4), tensor(8, 2, 2, 2)), /even size.*\[8, 2, 2, 2\]/],
    ['groups that do not divide the channels', () => groupNorm(tensor(1, 6, 4, 4), tensor(6), tensor(6), 4), /6 channels.*4 groups/], // prettier-ignore
    ['joined images of different sizes', () => concat([tensor(1, 2, 4, 4), tensor(1, 2, 4, 5)]), /\[1, 2, 4, 4\].*\[1, 2, 4, 5\]/], // prettier-ignore
    ['a scale for other channels', () => batchNorm(tensor(1, 2, 4, 4), tensor(3), tensor(2)), /one number a channel.*\[1, 2, 4, 4\].*\[3\]/], // prettier-ignore
    ['a shift for other channels', () => layerNorm(tensor(1, 2, 4, 4), tensor(2), tensor(2, 1)), /one number a channel.*\[1, 2, 4, 4\].*\[2, 1\]/], // prettier-ignore
    ['weights for other inputs', () => dense(tensor(3, 4), tensor(5, 6), tensor(5)), /\[3, 4\].*\[5, 6\]/],
    ['windows of no pixels', () => maxPool(tensor(1, 2, 4, 4), { kernel: 0, stride: 1 }), /0 pixels.*\[1, 2, 4, 4\]/],
    ['images of no height', () => resize(tensor(1, 2, 4, 4), 0, 3, 'nearest'), /0 x 3.*\[1, 2, 4, 4\]/],
    ['factors that do not stretch', () => mul(tensor(1, 2, 4, 4), tensor(1, 3, 1, 1)), /\[1, 2, 4, 4\].*\[1, 3, 1, 1\]/], // prettier-ignore
    ['a shape of another size', () => reshape(tensor(2, 3), [4, 2]), /\[4, 2\].*\[2, 3\]/],
    ['an image without channels', () => upsampleBilinear(tensor(4, 4), 2), /four dimensions.*\[4, 4\]/],
  ])('%s, naming the layer and the shapes', (_, build, shapes) => {
    expect(build).toThrow(expect.objectContaining({ code: 'model/invalid', message: expect.stringMatching(shapes) }))
    expect(build).toThrow(/^decoder\.merge2: /)
  })
})
