import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TuneError } from '../src/errors.ts'
import {
  choice,
  decodeSpace,
  defaults,
  describeSpec,
  encodeSpace,
  int,
  isActive,
  leaves,
  levelAt,
  levelCentre,
  logint,
  lognormal,
  loguniform,
  normal,
  oneOf,
  ordinal,
  spaceDims,
  spaceSpec,
  uniform,
  type Params,
} from '../src/space.ts'
import { anySpace, plainCases } from './spaces.ts'

/** Schedules inside optimizers: a condition that depends on another. */
const nested = {
  lr: loguniform(1e-4, 1),
  optimizer: oneOf({
    sgd: { momentum: uniform(0, 1), schedule: oneOf({ poly: { power: uniform(0.5, 2) }, constant: {} }) },
    adam: { schedule: oneOf({ cosine: {}, step: { drops: int(1, 3), factor: uniform(0, 1) } }) },
  }),
}

function thrown(run: () => unknown): TuneError {
  try {
    run()
  } catch (error) {
    if (error instanceof TuneError) return error
  }
  throw new Error('it did not throw a TuneError')
}

/** The values with each real number rounded to 12 digits. */
function rounded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, field: unknown) =>
    typeof field === 'number' ? Number(field.toPrecision(11)) : field,
  )
}

describe('a parameter', () => {
  test.each(['int', 'stepped int', 'stepped uniform', 'logint', 'choice', 'ordinal'])(
    '%s decodes what it encoded to the very same value',
    (kind) => {
      const roundTrip = fc.property(
        plainCases[kind]!.chain(({ param, values }) => fc.tuple(fc.constant(param), values)),
        ([param, value]) => {
          expect(param.decode(param.encode(value))).toBe(value)
        },
      )
      fc.assert(roundTrip)
    },
  )

  test.each(['uniform', 'loguniform'])(
    '%s decodes what it encoded to 12 digits of its range, and within it',
    (kind) => {
      const roundTrip = fc.property(
        plainCases[kind]!.chain(({ param, values }) => fc.tuple(fc.constant(param), values)),
        ([param, value]) => {
          const { spec } = param
          if (spec.kind !== 'uniform' && spec.kind !== 'loguniform') throw new Error('not a real number')
          const size = kind === 'loguniform' ? Number(value) : Math.max(Math.abs(spec.low), Math.abs(spec.high))
          const decoded = Number(param.decode(param.encode(value)))
          expect(Math.abs(decoded - Number(value))).toBeLessThanOrEqual(1e-12 * size)
          expect(decoded).toBeGreaterThanOrEqual(spec.low)
          expect(decoded).toBeLessThanOrEqual(spec.high)
        },
      )
      fc.assert(roundTrip)
    },
  )

  test.each(Object.keys(plainCases))('%s decodes every coordinate of [0, 1] to a value that it encodes', (kind) => {
    const total = fc.property(plainCases[kind]!, fc.double({ noNaN: true, min: 0, max: 1 }), ({ param }, x) => {
      const value = param.decode([x])
      const [back = Number.NaN] = param.encode(value)
      expect(back).toBeGreaterThanOrEqual(0)
      expect(back).toBeLessThanOrEqual(1)
      expect(Object.is(value, -0)).toBe(false)
    })
    fc.assert(total)
  })

  test('of levels encodes to the middle of one', () => {
    const param = ordinal(16, 32, 64, 128)
    expect([16, 32, 64, 128].map((width) => param.encode(width))).toEqual([[0.125], [0.375], [0.625], [0.875]])
    const [dim] = spaceDims({ depth: int(-1, 3) })
    expect(dim).toEqual({ name: 'depth', levels: 5, ordered: true })
    expect([-1, 0, 1, 2, 3].map((depth) => int(-1, 3).encode(depth)[0])).toEqual(
      [0, 1, 2, 3, 4].map((level) => levelCentre(level, 5)),
    )
  })

  test('gives every whole number its share of the range', () => {
    expect([0, 0.24, 0.26, 0.49, 0.51, 0.74, 0.76, 1].map((x) => int(1, 4).decode([x]))).toEqual([
      1, 1, 2, 2, 3, 3, 4, 4,
    ])
    expect(logint(1, 2).decode([0.49])).toBe(1) // 1.5 lies in the middle of 0.5 to 2.5 by ratio, past 68 % of it
    expect(logint(1, 2).decode([0.7])).toBe(2)
  })

  test('of a prior has as much of the unit interval as the prior says', () => {
    const param = normal(10, 2)
    expect([0.158655, 0.5, 0.841345].map((x) => Number(param.decode([x]).toFixed(3)))).toEqual([8, 10, 12])
    expect([param.decode([0]), param.decode([1])]).toEqual([2, 18])
    const bounded = normal(0, 1, { low: 0, high: 9 })
    expect(bounded.spec).toMatchObject({ low: 0, high: 5, default: 0.674489299169 })
    expect(lognormal(1e-3, 10).decode([0.841345]).toFixed(5)).toBe('0.01000')
    expect(describeSpec(lognormal(1, 2, { low: 0.5, high: 4 }).spec)).toBe('lognormal(1, 2, { low: 0.5, high: 4, default: 1.12596651041 })') // prettier-ignore
    expect(thrown(() => lognormal(0, 1)).hint).toBe('both are of the number itself, not of its logarithm')
    expect(thrown(() => normal(0, 1, { low: 7, high: 9 })).message).toContain('none of it lies between 7 and 9')
    expect(thrown(() => normal(0, 0)).message).toContain('the deviation above 0')
  })

  test.each(['normal', 'lognormal'])('%s decodes what it encoded to nine digits of its range', (kind) => {
    const roundTrip = fc.property(
      plainCases[kind]!.chain(({ param, values }) => fc.tuple(fc.constant(param), values)),
      ([param, value]) => {
        const { spec } = param
        if (!('low' in spec)) throw new Error('no range')
        const clamped = Math.min(spec.high, Math.max(spec.low, Number(value)))
        const size = kind === 'normal' ? Math.max(Math.abs(spec.low), Math.abs(spec.high)) : clamped
        expect(Math.abs(Number(param.decode(param.encode(clamped))) - clamped)).toBeLessThanOrEqual(1e-9 * size)
      },
    )
    fc.assert(roundTrip)
  })

  test('of steps takes those alone, each as often as another', () => {
    const param = uniform(0, 1, { step: 0.1 })
    expect(param.dims[0]?.levels).toBe(11)
    expect([0, 0.3, 0.5, 1].map((x) => param.decode([x]))).toEqual([0, 0.3, 0.5, 1])
    expect(param.encode(0.3)).toEqual([3.5 / 11])
    expect(int(8, 64, { step: 8 }).decode([0.99])).toBe(64)
    expect(thrown(() => param.encode(0.25)).message).toBe('0.25 is not a number of uniform(0, 1, { step: 0.1 })')
    expect(thrown(() => uniform(0, 1, { step: 0.3 })).hint).toBe('write uniform(0, 0.9, { step: 0.3 })')
    expect(thrown(() => uniform(0, 1, { step: 0 })).message).toContain('the step must be above 0')
    expect(thrown(() => int(0, 9, { step: 1.5 })).message).toContain('the step must be a whole number')
    expect(thrown(() => int(0, 9, { step: 3, default: 4 })).message).toContain('the default 4 is none of its values')
    expect(describeSpec(int(0, 9, { step: 3 }).spec)).toBe('int(0, 9, { step: 3, default: 6 })')
  })

  test('on a log scale is alike in ratio', () => {
    const param = loguniform(1, 10_000)
    expect([0, 0.25, 0.5, 0.75, 1].map((x) => param.decode([x]).toPrecision(12))).toEqual(
      [1, 10, 100, 1000, 10_000].map((value) => value.toPrecision(12)),
    )
  })

  test('between two numbers that no coordinate tells apart is one of them', () => {
    const [low, high] = [1e9, 1e9 + 2 ** -23]
    expect([0, 1].map((x) => loguniform(low, high).decode([x]))).toEqual([low, low])
    expect(loguniform(low, high).encode(high)).toEqual([0.5])
  })

  test('of a single value has one level, and takes any coordinate', () => {
    for (const param of [uniform(2, 2), loguniform(2, 2), int(2, 2), logint(2, 2), choice(2)]) {
      expect(param.dims.map((dim) => dim.levels)).toEqual([1])
      expect([0, 0.3, 1].map((x) => param.decode([x]))).toEqual([2, 2, 2])
      expect(param.encode(2)).toEqual([0.5])
    }
  })

  test('has the middle of its range as its default, or what is given, or its first option', () => {
    const space = {
      a: uniform(0, 4),
      b: loguniform(1, 100),
      c: int(1, 9),
      d: uniform(0, 1, { default: 0.1 }),
      e: choice('x', 'y'),
      f: ordinal(8, 4),
    }
    expect(rounded(defaults(space))).toEqual({ a: 2, b: 10, c: 5, d: 0.1, e: 'x', f: 8 })
  })

  test.each([
    [() => uniform(1, 0), 'uniform(1, 0): the low end is above the high end'],
    [() => uniform(0, Infinity), 'uniform(0, Infinity): both ends must be finite numbers'],
    [() => uniform(-1e308, 1e308), 'uniform(-1e+308, 1e+308): both ends must lie within 1e+300 of 0'],
    [() => loguniform(0, 1), 'loguniform(0, 1): the low end must be greater than 0 on a log scale'],
    [() => int(0, 1.5), 'int(0, 1.5): both ends must be whole numbers'],
    [() => logint(1, 2 ** 52), 'logint(1, 4503599627370496): both ends must lie within 1000000000000 of 0'],
    [() => uniform(0, 1, { default: 2 }), 'uniform(0, 1): the default 2 is outside the range'],
    [() => int(0, 9, { default: 0.5 }), 'int(0, 9): the default 0.5 is outside the range'],
    [() => choice('a', 'b', 'a'), 'choice("a", "b", "a"): an option stands there twice'],
    [() => choice(1, true), 'choice(1, true): true and its number are the same option to Optuna'],
    [() => choice(1, Number.NaN), 'choice(): an option is NaN, not a string, finite number, boolean or null'],
    [() => choice(['a', 'b'] as never), 'choice(): an option is a list, not a string, finite number, boolean or null'],
    [
      () => ordinal(undefined as never),
      'ordinal(): an option is of type undefined, not a string, finite number, boolean or null',
    ],
    [() => oneOf({}), 'oneOf() needs at least one option'],
    [
      () => oneOf({ a: { kind: int(0, 1) } }),
      "oneOf() option 'a' has a parameter 'kind', the name that tells the options apart",
    ],
  ])('that makes no sense is refused with what was written: %s', (build, message) => {
    expect(thrown(build)).toMatchObject({ code: 'space/invalid', message })
  })
})

describe('a space', () => {
  test('decodes what it encoded, whatever is nested in it', () => {
    const roundTrip = fc.property(
      anySpace.chain(({ space, values }) => fc.tuple(fc.constant(space), values)),
      ([space, values]) => {
        const point = encodeSpace(space, values)
        const back = encodeSpace(space, decodeSpace(space, point))
        expect(back.map((x) => Number.isNaN(x))).toEqual(point.map((x) => Number.isNaN(x)))
        const apart = back.map((x, d) => Math.abs(x - (point[d] ?? 0))).filter((distance) => distance > 1e-5)
        expect(apart).toEqual([])
      },
    )
    fc.assert(roundTrip, { numRuns: 200 })
  })

  test('has a coordinate a dimension, of [0, 1] where it is active and NaN where it is not', () => {
    const aligned = fc.property(
      anySpace.chain(({ space, values }) => fc.tuple(fc.constant(space), values)),
      ([space, values]) => {
        const dims = spaceDims(space)
        const point = encodeSpace(space, values)
        expect(point.length).toBe(dims.length)
        const expected = point.map((_, d) => (isActive(dims, point, d) ? 'within' : 'off'))
        expect(point.map((x) => (Number.isNaN(x) ? 'off' : x >= 0 && x <= 1 ? 'within' : x))).toEqual(expected)
      },
    )
    fc.assert(aligned, { numRuns: 200 })
  })

  test('has a leaf a dimension, of the same name, with a value where it is active and null where it is not', () => {
    const aligned = fc.property(
      anySpace.chain(({ space, values }) => fc.tuple(fc.constant(space), values)),
      ([space, values]) => {
        const dims = spaceDims(space)
        const point = encodeSpace(space, values)
        const flat = leaves(spaceSpec(space), values as Params)
        expect(flat.map((leaf) => leaf.name)).toEqual(dims.map((dim) => dim.name))
        expect(flat.map((leaf) => leaf.active)).toEqual(dims.map((_, d) => isActive(dims, point, d)))
        expect(flat.filter((leaf) => !leaf.active && leaf.value !== null)).toEqual([])
      },
    )
    fc.assert(aligned, { numRuns: 200 })
  })

  test('has its default values as a point', () => {
    const total = fc.property(anySpace, ({ space }) => {
      expect(() => encodeSpace(space, defaults(space))).not.toThrow()
    })
    fc.assert(total)
  })

  test('names nested dimensions by their path, and says what they depend on', () => {
    expect(spaceDims(nested)).toEqual([
      { name: 'lr', levels: Infinity, ordered: true },
      { name: 'optimizer', levels: 2, ordered: false },
      { name: 'optimizer.sgd.momentum', levels: Infinity, ordered: true, when: { back: 1, level: 0 } },
      { name: 'optimizer.sgd.schedule', levels: 2, ordered: false, when: { back: 2, level: 0 } },
      { name: 'optimizer.sgd.schedule.poly.power', levels: Infinity, ordered: true, when: { back: 1, level: 0 } },
      { name: 'optimizer.adam.schedule', levels: 2, ordered: false, when: { back: 4, level: 1 } },
      { name: 'optimizer.adam.schedule.step.drops', levels: 3, ordered: true, when: { back: 1, level: 1 } },
      { name: 'optimizer.adam.schedule.step.factor', levels: Infinity, ordered: true, when: { back: 2, level: 1 } },
    ])
  })

  test('switches off what is nested in an option that was not chosen', () => {
    const values = { lr: 0.01, optimizer: { kind: 'adam', schedule: { kind: 'step', drops: 2, factor: 0.1 } } }
    const point = encodeSpace(nested, values)
    expect(point).toEqual([0.5, 0.75, Number.NaN, Number.NaN, Number.NaN, 0.75, 0.5, 0.1])
    expect(rounded(decodeSpace(nested, point))).toEqual(rounded(values))
    expect(leaves(spaceSpec(nested), values).map((leaf) => leaf.value)).toEqual([
      0.01,
      'adam',
      null,
      null,
      null,
      'step',
      2,
      0.1,
    ])
  })

  test('gives options of the same parameter names their own values', () => {
    const inner = oneOf({ on: { rate: uniform(0, 1) }, off: {} })
    const twins = { head: oneOf({ a: { drop: inner }, b: { drop: inner } }) }
    const values = { head: { kind: 'b', drop: { kind: 'on', rate: 0.25 } } }
    expect(decodeSpace(twins, encodeSpace(twins, values))).toEqual(values)
    expect(leaves(spaceSpec(twins), values).map(({ name, value }) => [name, value])).toEqual([
      ['head', 'b'],
      ['head.a.drop', null],
      ['head.a.drop.on.rate', null],
      ['head.b.drop', 'on'],
      ['head.b.drop.on.rate', 0.25],
    ])
  })

  test.each([
    [{ lr: 2, optimizer: 'sgd' }, "parameter 'lr': 2 is not a number of loguniform(0.0001, 1)"],
    [{ lr: '0.1', optimizer: 'sgd' }, `parameter 'lr': "0.1" is not a number of loguniform(0.0001, 1)`],
    [{ optimizer: 'sgd' }, "parameter 'lr': nothing is not a number of loguniform(0.0001, 1)"],
    [{ lr: 0.1 }, `parameter 'optimizer': nothing is no object such as { kind: 'sgd', ... }`],
    [{ lr: 0.1, optimizer: 'adam' }, `parameter 'optimizer': "adam" is no object such as { kind: 'sgd', ... }`],
    [{ lr: 0.1, optimizer: { kind: 'lamb' } }, `parameter 'optimizer': "lamb" is none of "sgd", "adam"`],
    [
      { lr: 0.1, optimizer: { kind: 'adam', momentum: 1 } },
      "parameter 'optimizer': unknown parameter 'momentum'; the space has schedule",
    ],
    [{ lr: 0.1, toString: 1 }, "unknown parameter 'toString'; the space has lr, optimizer"],
  ])('refuses values that it does not hold: %j', (values, message) => {
    expect(thrown(() => encodeSpace(nested, values))).toMatchObject({ code: 'params/invalid', message })
  })
})

test('a declaration is described as it was written', () => {
  const described = Object.values(spaceSpec(nested)).map(describeSpec)
  expect(described).toEqual([
    'loguniform(0.0001, 1, { default: 0.01 })',
    'oneOf({ sgd: { momentum: uniform(0, 1, { default: 0.5 }), schedule: oneOf({ poly: { power: uniform(0.5, 2, { default: 1.25 }) }, constant: {} }) }, ' +
      'adam: { schedule: oneOf({ cosine: {}, step: { drops: int(1, 3, { default: 2 }), factor: uniform(0, 1, { default: 0.5 }) } }) } })',
  ])
  expect(describeSpec(choice('poly', 2, null).spec)).toBe('choice("poly", 2, null)')
})

test('a level owns an equal stretch, and the last one the end', () => {
  expect([0, 0.249, 0.25, 0.5, 0.999, 1].map((x) => levelAt(x, 4))).toEqual([0, 0, 1, 2, 3, 3])
  const inside = fc.property(fc.integer({ min: 1, max: 1e6 }), fc.nat(), (levels, any) => {
    expect(levelAt(levelCentre(any % levels, levels), levels)).toBe(any % levels)
  })
  fc.assert(inside)
})
