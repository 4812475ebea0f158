import { expect, test } from 'vitest'
import { checkOptions, flag, fraction, listOf, oneOf, parseKind, positive, share } from '../../src/models/options.ts'

const KINDS = { round: { radius: positive }, square: { side: share, isFilled: flag } }

test('a name alone is its kind with the defaults', () => {
  expect(parseKind('shape', 'round', KINDS)).toEqual({ kind: 'round' })
})

test('an unknown kind is an error that names the nearest one, or all', () => {
  const parse = (value: unknown) => () => parseKind('shape', value, KINDS)
  expect(parse('rond')).toThrow(expect.objectContaining({ code: 'params/invalid', hint: "did you mean 'round'?" }))
  expect(parse({ kind: 7 })).toThrow(expect.objectContaining({ message: 'unknown shape 7', hint: 'there are round, square' })) // prettier-ignore
  expect(parse(undefined)).toThrow(/unknown shape undefined/)
  expect(parse({ kind: 'toString' })).toThrow(/unknown shape "toString"/)
})

test('an unknown option is an error that names the nearest one', () => {
  expect(() => parseKind('shape', { kind: 'square', isFiled: true }, KINDS)).toThrow(
    expect.objectContaining({ message: "shape 'square' has no option 'isFiled'", hint: "did you mean 'isFilled'?" }),
  )
  expect(() => parseKind('shape', { kind: 'square', radius: 1 }, KINDS)).toThrow(/has no option 'radius'/)
})

test('a value that breaks its rule is shown with what it must be, and undefined is as good as left out', () => {
  expect(() => parseKind('shape', { kind: 'square', side: 2 }, KINDS)).toThrow(
    "shape 'square': side is 2, must be above 0 and at most 1",
  )
  expect(parseKind('shape', { kind: 'square', side: undefined }, KINDS)).toEqual({ kind: 'square' })
})

test.each([
  [positive, [1e-9, 5], [0, -1, Number.NaN, Infinity, '1', null]],
  [fraction, [0, 0.5], [1, -0.1, Number.NaN]],
  [share, [1, 0.5], [0, 1.1]],
  [flag, [true, false], [0, 'true']],
  [oneOf('a', 'b'), ['a', 'b'], ['c', 0]],
  [listOf(share, 'shares'), [[], [1, 0.5]], [[0], 0.5, 'x']],
])('the rule "$wanted" holds where it should and nowhere else', (rule, good, bad) => {
  for (const value of good) expect(() => checkOptions('it', { value }, { value: rule })).not.toThrow()
  for (const value of bad) expect(() => checkOptions('it', { value }, { value: rule })).toThrow(rule.wanted)
})
