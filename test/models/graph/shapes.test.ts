import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { mul } from '../../../src/models/graph/arithmetic.ts'
import { batchNorm } from '../../../src/models/graph/batch_norm.ts'
import { conv } from '../../../src/models/graph/conv.ts'
import type { Shape, Tensor } from '../../../src/models/graph/graph.ts'
import { groupNorm } from '../../../src/models/graph/group_norm.ts'
import { layerNorm } from '../../../src/models/graph/layer_norm.ts'
import { averagePool, maxPool } from '../../../src/models/graph/pooling.ts'
import { resize, upsampleNearest, type ResizeMode } from '../../../src/models/graph/resize.ts'
import { gradientError } from './gradient_error.ts'

/*
 * The gradients of gradients.test.ts again, for shapes that nobody thought of.
 */

const side = fc.integer({ min: 1, max: 9 })
const few = fc.integer({ min: 1, max: 3 })

/** Always the same shapes: what fails today fails tomorrow. */
const runs = (numRuns: number) => ({ numRuns, seed: 1 })

test('convolutions of any size, stride, dilation and groups have the gradient of finite differences', async () => {
  const shapes = fc.record({
    size: few,
    groups: few,
    inner: few,
    outer: few,
    kernel: fc.constantFrom(1, 3, 5, 7),
    stride: fc.constantFrom(1, 1, 2, 3),
    dilation: fc.constantFrom(1, 1, 2, 6),
    height: side,
    width: side,
  })
  await fc.assert(
    fc.asyncProperty(shapes, async ({ size, groups, inner, outer, kernel, stride, dilation, height, width }) => {
      const operands = [
        [size, groups * inner, height, width],
        [groups * outer, inner, kernel, kernel],
      ]
      const error = await gradientError(operands, (x, weight) => conv(x, weight, { stride, dilation, groups }))
      expect(error).toBeLessThan(1e-4)
    }),
    runs(40),
  )
})

test('depthwise convolutions of narrow and of wide maps have the gradient of finite differences', async () => {
  const shapes = fc.record({
    size: few,
    channels: few,
    kernel: fc.constantFrom(3, 5, 7),
    stride: fc.constantFrom(1, 1, 2),
    dilation: fc.constantFrom(1, 1, 2, 3),
    height: side,
    width: fc.oneof(side, side, fc.integer({ min: 23, max: 27 }), fc.integer({ min: 48, max: 51 })),
  })
  await fc.assert(
    fc.asyncProperty(shapes, async ({ size, channels, kernel, stride, dilation, height, width }) => {
      const operands = [
        [size, channels, height, width],
        [channels, 1, kernel, kernel],
      ]
      const options = { stride, dilation, groups: channels }
      expect(await gradientError(operands, (x, weight) => conv(x, weight, options))).toBeLessThan(1e-4)
    }),
    runs(40),
  )
})

test('a dilation beyond the map leaves the middle of the kernel to learn', async () => {
  for (const dilation of [3, 6, 12]) {
    const shapes = [
      [2, 3, 3, 3],
      [4, 3, 3, 3],
    ]
    expect(await gradientError(shapes, (x, weight) => conv(x, weight, { dilation }))).toBeLessThan(1e-5)
  }
})

test('normalisations of any shape have the gradient of finite differences', async () => {
  const norms: Record<string, (x: Tensor, scale: Tensor, shift: Tensor) => Tensor> = {
    batch: (x, scale, shift) => batchNorm(x, scale, shift),
    group: (x, scale, shift) => groupNorm(x, scale, shift, 2),
    layer: layerNorm,
  }
  const shapes = fc.record({
    kind: fc.constantFrom(...Object.keys(norms)),
    size: few,
    channels: fc.constantFrom(4, 6),
    height: fc.integer({ min: 2, max: 5 }),
    width: fc.integer({ min: 2, max: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(shapes, async ({ kind, size, channels, height, width }) => {
      const operands = [[size, channels, height, width], [channels], [channels]]
      expect(await gradientError(operands, norms[kind]!, { isTraining: true })).toBeLessThan(1e-4)
    }),
    runs(30),
  )
})

test('pooling of any windows has the gradient of finite differences', async () => {
  const shapes = fc.record({
    pool: fc.constantFrom(maxPool, averagePool),
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: few,
    height: side,
    width: side,
  })
  await fc.assert(
    fc.asyncProperty(shapes, async ({ pool, kernel, stride, height, width }) => {
      expect(await gradientError([[2, 2, height, width]], (x) => pool(x, { kernel, stride }))).toBeLessThan(1e-4)
    }),
    runs(40),
  )
})

test('resizing to any size has the gradient of finite differences', async () => {
  const modes: readonly ResizeMode[] = ['nearest', 'half_pixel', 'align_corners']
  const shapes = fc.record({ mode: fc.constantFrom(...modes), from: fc.tuple(side, side), to: fc.tuple(side, side) })
  await fc.assert(
    fc.asyncProperty(shapes, async ({ mode, from, to }) => {
      expect(await gradientError([[2, 2, ...from]], (x) => resize(mul(x, x), ...to, mode))).toBeLessThan(1e-4)
    }),
    runs(30),
  )
  await fc.assert(
    fc.asyncProperty(fc.tuple(side, side, few), async ([height, width, factor]) => {
      expect(await gradientError([[1, 2, height, width]], (x) => upsampleNearest(x, factor))).toBeLessThan(1e-4)
    }),
    runs(8),
  )
})

test('products of tensors that stretch to each other have the gradient of finite differences', async () => {
  const sizes = fc.array(fc.tuple(few, fc.constantFrom('both', 'left', 'right')), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(sizes, async (sizes) => {
      const shape = (other: string): Shape => sizes.map(([size, which]) => (which === other ? 1 : size))
      expect(await gradientError([shape('left'), shape('right')], mul)).toBeLessThan(1e-4)
    }),
    runs(30),
  )
})
