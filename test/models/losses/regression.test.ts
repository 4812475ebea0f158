import { describe, expect, test } from 'vitest'
import { constant, type Tensor } from '../../../src/models/graph/graph.ts'
import { distillation } from '../../../src/models/losses/distillation.ts'
import { absoluteError, sharesOf, squaredError } from '../../../src/models/losses/regression.ts'
import { gradientError } from '../graph/gradient_error.ts'
import { evaluate } from './evaluate.ts'

describe('the centre loss', () => {
  const loss = (weights: readonly number[], emphasis?: readonly number[]) =>
    evaluate([1, 1, 1, 3], [1, 2, 5], (x) => squaredError(x, zeros(x), shares(x, weights, emphasis)))

  test('averages the squared error by its weights', async () => {
    expect((await loss([1, 1, 0])).value).toBeCloseTo(2.5)
  })

  test('is 0 without any weight', async () => {
    const { value, pixels, gradient } = await loss([0, 0, 0])
    expect([value, pixels, ...gradient]).toEqual([0, 0, 0, 0, 0])
  })

  test('divides by the weights alone where instances emphasise pixels, and says from how many it still learns', async () => {
    const { value, pixels } = await loss([1, 1, 0], [0, 3, 7])
    expect(value).toBeCloseTo((3 * 4) / 2)
    expect(pixels).toBeCloseTo(1 / 3)
  })

  test('has the gradient of finite differences', async () => {
    const error = await gradientError([[2, 1, 1, 2]], (x) => {
      const own = sharesOf(map(x, [1, 0, 1, 1]), map(x, [1, 2, 0.5, 0]))
      return squaredError(x, map(x, [0, 1, 2, 3]), own).value
    })
    expect(error).toBeLessThan(1e-5)
  })
})

describe('the offset loss', () => {
  const offset = (x: Tensor, weights: readonly number[]) =>
    absoluteError(x, zeros(x), sharesOf(constant(x.graph, [1, 1, 1, 2], weights)))
  const loss = (weights: readonly number[]) => evaluate([1, 2, 1, 2], [1, 2, -3, 4], (x) => offset(x, weights))

  test('sums both directions and counts pixels, not values', async () => {
    expect((await loss([1, 1])).value).toBeCloseTo(5)
    expect((await loss([1, 0])).value).toBeCloseTo(4)
  })

  test('is 0 without any weight', async () => {
    expect((await loss([0, 0])).value).toBe(0)
  })

  test('has the gradient of finite differences', async () => {
    expect(await gradientError([[1, 2, 1, 2]], (x) => offset(x, [1, 1]).value)).toBeLessThan(1e-5)
  })
})

describe('distillation', () => {
  const distil = (values: readonly number[], teacher: readonly number[], temperature = 1) =>
    evaluate([1, 2, 1, 2], values, (x) => distillation(x, map(x, teacher), temperature))

  test('is least, and without slope, where the network says what the teacher says', async () => {
    const teacher = [0.8, 0.3, 0.2, 0.7]
    for (const temperature of [1, 4]) {
      const { value, gradient } = await distil(teacher.map(Math.log), teacher, temperature)
      for (const slope of gradient) expect(slope).toBeCloseTo(0, 6)
      const off = await distil(teacher.map((p, i) => Math.log(p) + (i === 0 ? 0.5 : 0)), teacher, temperature) // prettier-ignore
      expect(off.value).toBeGreaterThan(value)
    }
  })

  test('learns only where the teacher speaks', async () => {
    const { value, pixels, gradient } = await distil([0, 5, 0, -5], [1, 0, 0, 0])
    expect(value).toBeCloseTo(Math.log(2))
    expect(pixels).toBe(0.5)
    expect([gradient[1], gradient[3]]).toEqual([expect.closeTo(0, 12), expect.closeTo(0, 12)])
  })

  test.each([1, 3])('has the gradient of finite differences at temperature %d', async (temperature) => {
    const error = await gradientError([[1, 3, 1, 2]], (x) => {
      return distillation(x, map(x, [0.5, 0.1, 0.3, 0.2, 0.2, 0.7]), temperature).value
    })
    expect(error).toBeLessThan(1e-5)
  })

  test('refuses a teacher of other classes', async () => {
    const distilled = evaluate([1, 2, 1, 1], [0, 0], (x) => distillation(x, constant(x.graph, [1, 3, 1, 1], [1, 0, 0]), 1)) // prettier-ignore
    await expect(distilled).rejects.toThrow(/\[1, 3, 1, 1\].*\[1, 2, 1, 1\]/)
  })
})

function map({ graph, shape }: Tensor, values: readonly number[]): Tensor {
  return constant(graph, shape, values)
}

function zeros(x: Tensor): Tensor {
  return map(x, Array(x.shape.reduce((a, b) => a * b)).fill(0))
}

function shares(x: Tensor, weights: readonly number[], emphasis?: readonly number[]): Tensor {
  return sharesOf(map(x, weights), emphasis && map(x, emphasis))
}
