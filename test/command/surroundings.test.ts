import {
  assert,
  constant,
  constantFrom,
  dictionary,
  double,
  integer,
  object,
  oneof,
  property,
  string,
} from 'fast-check'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { toYaml } from '../../src/command/surroundings.ts'
import type { Params } from '../../src/space.ts'

const number = oneof(
  double({ noNaN: true, noDefaultInfinity: true }),
  integer(),
  constantFrom(1e-7, -1e21, 5e-324, 0.5),
)
const text = oneof(string(), constantFrom('yes', 'null', '1e-3', '~', '- a', 'a: b', '"', "'", '\n'))
const value = oneof(number, text, constant(null), constantFrom(true, false), object({ values: [number, text] }))

test.each(['1.1', '1.2'] as const)('params are the same read from YAML %s', (version) => {
  assert(
    property(dictionary(text, value, { noNullPrototype: true }), (params) => {
      const read: unknown = parse(toYaml(params as Params), { version })
      expect(JSON.stringify(read)).toBe(JSON.stringify(params))
    }),
  )
})

test('small numbers stay numbers for PyYAML, which wants a dot before an exponent', () => {
  expect(toYaml({ lr: 1e-7, wd: -1e-10, big: 1.5e30 })).toBe('"lr": 1.0e-7\n"wd": -1.0e-10\n"big": 1.5e+30\n')
})
