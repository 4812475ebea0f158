import { describe, expect, test } from 'vitest'
import { constant, int32s, type Shape, type Tensor } from '../../../src/models/graph/graph.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import type { Loss } from '../../../src/models/losses/classes.ts'
import { distillation } from '../../../src/models/losses/distillation.ts'
import { parseLosses, type SemanticLoss } from '../../../src/models/losses/options.ts'
import { absoluteError, sharesOf, squaredError } from '../../../src/models/losses/regression.ts'
import { semanticLoss } from '../../../src/models/losses/semantic.ts'
import { lossTerms, type TargetName } from '../../../src/models/losses/terms.ts'
import torch from '../../fixtures/pytorch.json' with { type: 'json' }
import { relativeError } from '../graph/gradient_error.ts'
import { evaluate } from './evaluate.ts'

// What PyTorch gives in float64: fixtures/pytorch.py.
const { maps, semantic, center, offset } = torch
const [size = 1, classes = 1, height = 1, width = 1] = maps.shape
const plane = [size, 1, height, width]

interface Expected {
  readonly value: number
  readonly gradient: readonly number[]
}

/** How far a loss and its gradient are off, relative to PyTorch's: in float64, and in float32 by onnxruntime; so the sum of the images. */
async function errorsOf(shape: Shape, values: readonly number[], loss: (x: Tensor) => Loss, expected: Expected) {
  const { value, gradient, images, exact } = await evaluate(shape, values, loss)
  const error = (value: number, gradient: ArrayLike<number>) =>
    Math.max(Math.abs(value / expected.value - 1), relativeError(gradient, expected.gradient))
  const sum = images.reduce((a, b) => a + b)
  return {
    float64: error(exact.value, exact.gradient),
    float32: error(value, gradient),
    images: sum / expected.value - 1,
  }
}

/** Weights and targets are constants in float32. */
const CLOSE = { float64: expect.closeTo(0, 6), float32: expect.closeTo(0, 5), images: expect.closeTo(0, 5) }

describe('PyTorch and the papers’ code give the same', () => {
  test.each(semantic)('semantic loss and gradient: $name', async ({ options, ...expected }) => {
    const { semantic } = parseLosses({ semantic: options as SemanticLoss }, classes) // prettier-ignore
    const loss = (x: Tensor) => {
      const labels = int32s(x.graph, [size, height, width], maps.labels)
      return semanticLoss(x, labels, constant(x.graph, [size, height, width], maps.weights), semantic)
    }
    expect(await errorsOf(maps.shape, maps.logits, loss, expected)).toEqual(CLOSE)
  })

  test.each(torch.distillation)('distillation loss and gradient at $name', async ({ options, ...expected }) => {
    const loss = (x: Tensor) => distillation(x, constant(x.graph, maps.shape, maps.teacher), options.temperature)
    expect(await errorsOf(maps.shape, maps.logits, loss, expected)).toEqual(CLOSE)
  })

  test.each(center)('centre loss and gradient: $name', async ({ options, ...expected }) => {
    const loss = (x: Tensor) => squaredError(x, map(x, maps.heatTarget), shares(x, options))
    expect(await errorsOf(plane, maps.heat, loss, expected)).toEqual(CLOSE)
  })

  test.each(offset)('offset loss and gradient: $name', async ({ options, ...expected }) => {
    const loss = (x: Tensor) => {
      const own = shares(x, options)
      return absoluteError(x, map(x, maps.offsetTarget), options.mean === 'values' ? onnx.mul(own, 0.5) : own)
    }
    expect(await errorsOf([size, 2, height, width], maps.offset, loss, expected)).toEqual(CLOSE)
  })

  test.each(offset)('offset term as the options ask for it: $name', async ({ options, ...expected }) => {
    const loss = (x: Tensor) => {
      const target: Partial<Record<TargetName, Tensor>> = {
        offset: map(x, maps.offsetTarget),
        offsetWeights: constant(x.graph, plane, maps.mask),
        instanceWeights: constant(x.graph, plane, maps.emphasis),
      }
      const losses = parseLosses(
        {
          offsetMean: options.mean === 'values' ? 'values' : 'pixels',
          ...('emphasised' in options ? { instances: 'cross_entropy' } : {}),
        },
        classes,
      )
      return lossTerms({ semantic: x, center: x, offset: x }, (name) => target[name]!, losses, { offset: 1 })[0]!
    }
    expect(await errorsOf([size, 2, height, width], maps.offset, loss, expected)).toEqual(CLOSE)
  })
})

function map({ graph, shape }: Tensor, values: readonly number[]): Tensor {
  return constant(graph, shape, values)
}

function shares({ graph }: Tensor, options: object): Tensor {
  const emphasis = 'emphasised' in options ? constant(graph, plane, maps.emphasis) : undefined
  return sharesOf(constant(graph, plane, maps.mask), emphasis)
}
