import { expect, test } from 'vitest'
import { atBounds } from '../../src/cli/bounds.ts'
import { choice, encodeSpace, int, loguniform, ordinal, uniform, type Params } from '../../src/space.ts'
import { defineStudy, maximize } from '../../src/study.ts'

const study = defineStudy({
  name: 'bounds',
  goal: maximize('pq'),
  space: {
    lr: loguniform(1e-4, 1),
    wd: uniform(0, 1),
    depth: int(1, 3),
    width: ordinal(16, 32, 64),
    two: ordinal('a', 'b'),
    kind: choice('x', 'y', 'z'),
  },
  budget: { trials: 1 },
  async *objective() {
    yield { pq: 1 }
  },
})

const of = (params: Params) => atBounds(study, { params, point: encodeSpace(study.space, params) })
const inside = { lr: 0.01, wd: 0.5, depth: 2, width: 32, two: 'a', kind: 'x' }

test('nothing is said of parameters that lie inside, of unordered options and of the ends of two', () => {
  expect(of(inside)).toEqual([])
})

test('whole numbers and ordinals are at a bound on it, real numbers near it', () => {
  expect(of({ ...inside, lr: 0.9, wd: 0.04, depth: 3, width: 16 })).toEqual([
    'lr 0.9 is at the upper end of 1e-4 to 1',
    'wd 0.04 is at the lower end of 0 to 1',
    'depth 3 is at the upper end of 1 to 3',
    'width 16 is at the lower end of 16 to 64',
  ])
})
