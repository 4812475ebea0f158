import { describe, expect, test } from 'vitest'
import { choice, int, loguniform, oneOf, uniform } from '../src/space.ts'
import { defineStudy, minimize } from '../src/study.ts'
import { isWithin } from '../src/half_spaces.ts'
import { halfSpacesOf, weightedSum } from '../src/weighted_sum.ts'

const space = {
  kind: oneOf({ sgd: { momentum: uniform(0, 1) }, adam: {} }),
  lr: loguniform(1e-4, 1),
  layers: int(1, 9),
  act: choice('relu', 'gelu'),
}

describe('a weighted sum', () => {
  test('is a demand on params as any function is', () => {
    const demand = weightedSum({ a: 1, b: -2 }, { atLeast: -1, atMost: 3 })
    expect([demand({ a: 3, b: 0 }), demand({ a: 3.001, b: 0 }), demand({ a: 0, b: 0.5 }), demand({ a: 0, b: 0.51 })]).toEqual([true, false, true, false]) // prettier-ignore
  })

  test('may be fixed: rounding does not break it', () => {
    const one = weightedSum({ a: 1, b: 1, c: 1 }, { atLeast: 1, atMost: 1 })
    expect(one({ a: 0.1, b: 0.2, c: 1 - 0.1 - 0.2 })).toBe(true)
    expect(one({ a: 0.1, b: 0.2, c: 0.7001 })).toBe(false)
  })

  test('is named by what it says', () => {
    const named = (where: ReturnType<typeof weightedSum>) => {
      const study = { name: 's', goal: minimize('loss'), space: { a: uniform(0, 1), b: uniform(0, 1) }, budget: { trials: 1 } } // prettier-ignore
      const { where: demands } = defineStudy({ ...study, where: where as never, async *objective() { yield { loss: 0 } } }) // prettier-ignore
      return Object.keys(demands)
    }
    expect(named(weightedSum({ a: 1, b: -2 }, { atMost: 3 }))).toEqual(['a - 2 b, at most 3'])
    expect(named(weightedSum({ a: -0.5, b: 1 }, { atLeast: 0, atMost: 3 }))).toEqual(['-0.5 a + b, at least 0 and at most 3']) // prettier-ignore
    expect(named(weightedSum({ a: 1 }, { atLeast: 1, atMost: 1 }))).toEqual(['a, exactly 1'])
  })

  test('holds at the same points of the cube, whatever scale its numbers have', () => {
    const demand = weightedSum({ lr: 10, layers: 0.5 }, { atLeast: 2, atMost: 4 })
    const within = halfSpacesOf(space, { 'my sum': demand, other: () => true })
    expect(within).toHaveLength(2)
    for (let i = 0; i <= 20; i++) {
      for (let j = 0; j <= 20; j++) {
        const point = [0.2, 0.5, i / 20, j / 20, 0.7]
        const params = { lr: space.lr.decode([i / 20]), layers: space.layers.decode([j / 20]) }
        expect(isWithin(within, point)).toBe(demand(params))
      }
    }
  })

  test.each([
    [{ act: 1 }, "where 'it': 'act' is choice(), no number of the space"],
    [{ momentum: 1 }, "where 'it': 'momentum' is no parameter of the space"],
  ])('of %j is refused', (weights, message) => {
    const where = { it: weightedSum(weights as Readonly<Record<string, number>>, { atMost: 1 }) }
    expect(() => halfSpacesOf(space, where)).toThrow(message)
  })

  test('that can never hold is refused, with what the space allows', () => {
    expect(() => halfSpacesOf(space, { it: weightedSum({ layers: 2, lr: 1 }, { atMost: 1 }) })).toThrow(
      "where 'it' can never hold: in this space, the sum is at least 2.0001",
    )
    expect(() => halfSpacesOf(space, { it: weightedSum({ layers: 2, lr: 1 }, { atLeast: 20 }) })).toThrow(
      "where 'it' can never hold: in this space, the sum is at most 19",
    )
  })

  test.each([
    [{}, { atMost: 1 }],
    [{ a: 0 }, { atMost: 1 }],
    [{ a: Number.NaN }, { atMost: 1 }],
    [{ a: 1 }, { atLeast: 2, atMost: 1 }],
    [{ a: 1 }, { atMost: Number.NaN }],
    [{ a: 1 }, { atMost: Infinity }],
    [{ a: 1 }, {}],
  ])('of weights %j with bounds %j is no demand', (weights, bounds) => {
    expect(() => weightedSum(weights as Readonly<Record<string, number>>, bounds as { atMost: number })).toThrow(/^weightedSum: /) // prettier-ignore
  })
})
