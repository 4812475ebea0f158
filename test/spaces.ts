import * as fc from 'fast-check'
import {
  choice,
  int,
  logint,
  lognormal,
  loguniform,
  normal,
  oneOf,
  ordinal,
  uniform,
  type Param,
  type Space,
} from '../src/space.ts'

/** A parameter, and values that it can take. */
export interface ParamCase {
  readonly param: Param<unknown>
  readonly values: fc.Arbitrary<unknown>
}

const options = fc.uniqueArray(fc.oneof(fc.string(), fc.integer({ min: 2 }), fc.constant(null), fc.boolean()), { minLength: 1, maxLength: 6 }) // prettier-ignore

// Ends that are no closer than a coordinate can tell apart.
const finite = fc.integer({ min: -1e8, max: 1e8 }).map((thousandths) => thousandths / 1000)
const positive = fc.integer({ min: 1, max: 1e8 }).map((thousandths) => thousandths / 1000)
const whole = fc.integer({ min: -1e6, max: 1e6 })
const count = fc.integer({ min: 1, max: 1e9 })

/** Every kind of parameter that is no `oneOf`: a row a kind. */
export const plainCases: Readonly<Record<string, fc.Arbitrary<ParamCase>>> = {
  uniform: range(finite, finite).map(([low, high]) => ({ param: uniform(low, high), values: real(low, high) })),
  loguniform: range(positive, positive).map(([low, high]) => ({
    param: loguniform(low, high),
    values: real(low, high),
  })),
  normal: fc
    .tuple(finite, positive, fc.double({ noNaN: true, min: 0, max: 1 }))
    .map(([mean, deviation, part]) => ({ param: normal(mean, deviation), values: fc.constant(mean + (8 * part - 4) * deviation + 0) })), // prettier-ignore
  lognormal: fc
    .tuple(positive, fc.double({ noNaN: true, min: 1.01, max: 1e3 }), fc.double({ noNaN: true, min: 0, max: 1 }))
    .map(([median, factor, part]) => ({ param: lognormal(median, factor), values: fc.constant(median * factor ** (8 * part - 4)) })), // prettier-ignore
  int: range(whole, whole).map(([low, high]) => ({
    param: int(low, high),
    values: fc.integer({ min: low, max: high }),
  })),
  'stepped uniform': steps(fc.constantFrom(0.001, 0.1, 0.25, 3)).map(([low, high, step]) => ({
    param: uniform(low, high, { step }),
    values: fc.integer({ min: 0, max: Math.round((high - low) / step) }).map((n) => Number((low + n * step).toPrecision(12)) + 0), // prettier-ignore
  })),
  'stepped int': steps(fc.integer({ min: 1, max: 100 })).map(([low, high, step]) => ({
    param: int(low, high, { step }),
    values: fc.integer({ min: 0, max: (high - low) / step }).map((n) => low + n * step),
  })),
  logint: range(count, count).map(([low, high]) => ({
    param: logint(low, high),
    values: fc.integer({ min: low, max: high }),
  })),
  choice: options.map(([first = 0, ...rest]) => ({
    param: choice(first, ...rest),
    values: fc.constantFrom(first, ...rest),
  })),
  ordinal: options.map(([first = 0, ...rest]) => ({
    param: ordinal(first, ...rest),
    values: fc.constantFrom(first, ...rest),
  })),
}

const name = fc.stringMatching(/^[a-z]{1,3}$/).filter((text) => text !== 'kind')

/** A case of any kind, `oneOf` inside `oneOf` among them. */
const anyCase: fc.Arbitrary<ParamCase> = fc.letrec<{ any: ParamCase; branch: ParamCase }>((tie) => ({
  any: fc.oneof({ depthSize: 'small', maxDepth: 3 }, ...Object.values(plainCases), tie('branch')),
  branch: fc
    .dictionary(name, fc.dictionary(name, tie('any'), { maxKeys: 3, noNullPrototype: true }), {
      minKeys: 1,
      maxKeys: 3,
      noNullPrototype: true,
    })
    .map((branches) => ({
      param: oneOf(mapFields(branches, (fields): Space => mapFields(fields, ({ param }) => param))),
      values: fc.oneof(
        ...Object.entries(branches).map(([kind, fields]) =>
          fc.record({ kind: fc.constant(kind), ...mapFields(fields, ({ values }) => values) }),
        ),
      ),
    })),
})).any

/** A space of up to four parameters, and values of it. */
export const anySpace: fc.Arbitrary<{ readonly space: Space; readonly values: fc.Arbitrary<Record<string, unknown>> }> =
  fc.dictionary(name, anyCase, { minKeys: 1, maxKeys: 4, noNullPrototype: true }).map((cases) => ({
    space: mapFields(cases, ({ param }) => param),
    values: fc.record(mapFields(cases, ({ values }) => values)),
  }))

function range(
  one: fc.Arbitrary<number>,
  other: fc.Arbitrary<number>,
): fc.Arbitrary<readonly [low: number, high: number]> {
  return fc.tuple(one, other).map(([a, b]) => [Math.min(a, b), Math.max(a, b)])
}

/** A low end, a high end a few steps above it, and the step. */
function steps(step: fc.Arbitrary<number>): fc.Arbitrary<readonly [low: number, high: number, step: number]> {
  return fc
    .tuple(fc.integer({ min: -100, max: 100 }), fc.nat(50), step)
    .map(([from, count, step]) => [Number((from * step).toPrecision(12)) + 0, Number(((from + count) * step).toPrecision(12)) + 0, step]) // prettier-ignore
}

function real(low: number, high: number): fc.Arbitrary<number> {
  return fc.double({ noNaN: true, min: low + 0, max: high + 0 }).map((x) => x + 0)
}

function mapFields<T, U>(fields: Readonly<Record<string, T>>, change: (field: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, change(field)]))
}
