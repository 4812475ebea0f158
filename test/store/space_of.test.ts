import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { leaves, spaceDims, spaceSpec, type Params } from '../../src/space.ts'
import { fromLeaves } from '../../src/store/optuna.ts'
import { spaceOf } from '../../src/store/space_of.ts'
import { anySpace } from '../spaces.ts'

test('a space is rebuilt from its declarations, after JSON too', () => {
  fc.assert(
    fc.property(anySpace, ({ space }) => {
      const specs = spaceSpec(space)
      const rebuilt = spaceOf(JSON.parse(JSON.stringify(specs)))
      expect(spaceSpec(rebuilt)).toEqual(specs)
      expect(spaceDims(rebuilt)).toEqual(spaceDims(space))
    }),
    { numRuns: 50 },
  )
})

test('params are rebuilt from the values of their active leaves', () => {
  fc.assert(
    fc.property(
      anySpace.chain(({ space, values }) => fc.tuple(fc.constant(space), values)),
      ([space, values]) => {
        const specs = spaceSpec(space)
        const active = leaves(specs, values as Params).filter((leaf) => leaf.active)
        expect(fromLeaves(specs, new Map(active.map(({ name, value }) => [name, value])))).toEqual(values)
      },
    ),
    { numRuns: 50 },
  )
})
