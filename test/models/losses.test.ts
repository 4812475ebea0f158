import { describe, expect, test } from 'vitest'
import { openSession } from '../../src/models/engines/open.ts'
import { floats } from '../../src/models/engines/session.ts'
import { constant, input, int32s, newGraph, output, type Shape, type Tensor } from '../../src/models/graph/graph.ts'
import { hardPixelCrossEntropy, weightedAbsoluteError, weightedSquaredError } from '../../src/models/losses.ts'
import { cpu, gradientError } from './graph/gradient_error.ts'

describe('cross-entropy with hard pixel mining', () => {
  // Two classes: the second one's logits are 0.
  const logits = [0, 1, 2, 3, 0, 0, 0, 0]
  const crossEntropy = (labels: readonly number[], weights: readonly number[], fraction: number, values = logits) =>
    evaluate([1, 2, 2, 2], values, (x) => {
      const { graph } = x
      return hardPixelCrossEntropy(x, int32s(graph, [1, 2, 2], labels), constant(graph, [1, 2, 2], weights), fraction)
    })

  test('averages over all pixels with fraction 1, ignored ones included with loss 0', async () => {
    expect(await crossEntropy([0, 0, 0, -1], [1, 1, 1, 1], 1)).toBeCloseTo((loss(0) + loss(1) + loss(2)) / 4)
  })

  test('averages over the largest losses, after weighting', async () => {
    expect(await crossEntropy([0, 0, 0, 0], [1, 1, 1, 1], 0.5)).toBeCloseTo((loss(0) + loss(1)) / 2)
    expect(await crossEntropy([0, 0, 0, 0], [1, 1, 1, 30], 0.5)).toBeCloseTo((loss(0) + 30 * loss(3)) / 2)
  })

  test('rounds the number of kept pixels down, as int() does', async () => {
    expect(await crossEntropy([0, 0, 0, 0], [1, 1, 1, 1], 0.74)).toBeCloseTo((loss(0) + loss(1)) / 2)
  })

  test('is 0 where every pixel is ignored', async () => {
    expect(await crossEntropy([-1, -1, -1, -1], [0, 0, 0, 0], 0.5)).toBe(0)
  })

  test('stays finite for extreme logits', async () => {
    const extreme = await crossEntropy([1, 1, 1, 1], [1, 1, 1, 1], 1, [500, 500, 500, 500, -500, -500, -500, -500])
    expect(extreme).toBeCloseTo(1000)
  })

  test.each([1, 0.2, 0.5])('has the gradient of finite differences at fraction %d', async (fraction) => {
    const error = await gradientError([[2, 3, 3, 2]], (x) => {
      const labels = int32s(x.graph, [2, 3, 2], [0, 1, 2, -1, 0, 1, 2, 2, 1, 0, -1, 0])
      const weights = constant(x.graph, [2, 3, 2], [1, 3, 1, 1, 3, 1, 1, 1, 0, 1, 0, 3])
      return hardPixelCrossEntropy(x, labels, weights, fraction)
    })
    expect(error).toBeLessThan(1e-5)
  })
})

describe('the centre loss', () => {
  test('averages the squared error by its weights', async () => {
    const loss = evaluate([1, 1, 1, 3], [1, 2, 5], (x) => weightedSquaredError(x, map(x, [0, 0, 0]), map(x, [1, 1, 0])))
    expect(await loss).toBeCloseTo(2.5)
  })

  test('is 0 without any weight', async () => {
    const loss = evaluate([1, 1, 1, 3], [1, 2, 5], (x) => weightedSquaredError(x, map(x, [0, 0, 0]), map(x, [0, 0, 0])))
    expect(await loss).toBe(0)
  })

  test('has the gradient of finite differences', async () => {
    const error = await gradientError([[1, 1, 2, 2]], (x) => {
      return weightedSquaredError(x, map(x, [0, 1, 2, 3]), map(x, [1, 0, 1, 1]))
    })
    expect(error).toBeLessThan(1e-5)
  })
})

describe('the offset loss', () => {
  test('sums both directions and counts pixels, not values', async () => {
    expect(await evaluate([1, 2, 1, 2], [1, 2, -3, 4], (x) => offset(x, [1, 1]))).toBeCloseTo(5)
    expect(await evaluate([1, 2, 1, 2], [1, 2, -3, 4], (x) => offset(x, [1, 0]))).toBeCloseTo(4)
  })

  test('is 0 without any weight', async () => {
    expect(await evaluate([1, 2, 1, 2], [1, 2, -3, 4], (x) => offset(x, [0, 0]))).toBe(0)
  })

  test('has the gradient of finite differences', async () => {
    expect(await gradientError([[1, 2, 1, 2]], (x) => offset(x, [1, 1]))).toBeLessThan(1e-5)
  })
})

test('labels of another size than the logits are refused', () => {
  const graph = newGraph()
  const logits = input(graph, 'logits', 'float32', [1, 2, 4, 4])
  const wrong = () => hardPixelCrossEntropy(logits, int32s(graph, [1, 2, 2], [0, 0, 0, 0]), map(logits, []), 1)
  expect(wrong).toThrow(/\[1, 2, 2\].*\[1, 2, 4, 4\]/)
})

async function evaluate(shape: Shape, values: readonly number[], loss: (x: Tensor) => Tensor): Promise<number> {
  const graph = newGraph()
  output('loss', loss(input(graph, 'x', 'float32', shape)))
  const session = await openSession(graph, cpu)
  const results = await session.run({ x: Float32Array.from(values) })
  await session.close()
  return floats(results, 'loss')[0]!
}

function map({ graph, shape }: Tensor, values: readonly number[]): Tensor {
  return constant(graph, shape, values)
}

/** Of a pixel of class 0 with logits (x, 0). */
function loss(x: number): number {
  return Math.log(1 + Math.exp(-x))
}

function offset(x: Tensor, weights: readonly number[]): Tensor {
  return weightedAbsoluteError(
    x,
    constant(x.graph, [1, 2, 1, 2], [0, 0, 0, 0]),
    constant(x.graph, [1, 1, 1, 2], weights),
  )
}
