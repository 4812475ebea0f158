import { expect, test } from 'vitest'
import { levelEffects, levelsText } from '../../src/cli/levels.ts'
import { choice, encodeSpace, spaceDims, uniform, type Params } from '../../src/space.ts'
import { maximize } from '../../src/study.ts'
import type { History } from '../../src/trial.ts'
import { trialOf } from '../search/histories.ts'

const space = { a: choice('x', 'y'), b: uniform(0, 1) }

/** Complete trials with these values and results. */
function historyOf(results: readonly (readonly [Params, number])[]): History {
  const trials = results.map(([params, pq], n) => {
    const reports = [{ step: 1, metrics: { pq }, at: 0 }]
    return { ...trialOf(n, [], { point: encodeSpace(space, params) }), params, reports }
  })
  return { goals: [maximize('pq')], dims: spaceDims(space), trials }
}

test("a level is compared with the baseline's in pairs that agree in everything else", () => {
  const history = historyOf([
    [{ a: 'x', b: 0.1 }, 10],
    [{ a: 'y', b: 0.1 }, 13],
    [{ a: 'x', b: 0.9 }, 50],
    [{ a: 'y', b: 0.9 }, 55],
    [{ a: 'y', b: 0.5 }, 99], // without a partner
  ])
  const [y, b] = levelEffects(history)
  // Differences 3 and 5: the mean is 4, its standard error 1, and Student's t with one degree of freedom 12.706.
  expect(y).toMatchObject({ dim: 0, pairs: 2, difference: 4, reach: expect.closeTo(12.706, 2) })
  expect(b).toMatchObject({ dim: 1, pairs: 2, difference: 41 })
})

test('repeats make pairs in their order', () => {
  const history = historyOf([
    [{ a: 'x', b: 0.5 }, 1],
    [{ a: 'x', b: 0.5 }, 3],
    [{ a: 'y', b: 0.5 }, 2],
    [{ a: 'y', b: 0.5 }, 8],
    [{ a: 'y', b: 0.5 }, 70],
  ])
  expect(levelEffects(history)).toMatchObject([{ pairs: 2, difference: 3 }])
})

test('the table of a parameter shows its better levels first, and no interval of a single pair', () => {
  const history = historyOf([
    [{ a: 'x', b: 0.5 }, 1],
    [{ a: 'x', b: 0 }, 0.5],
    [{ a: 'x', b: 1 }, 2],
  ])
  expect(levelsText(history, space).split('\n')).toEqual([
    'b, over 0.5    pq  95 % interval  pairs',
    '1            +1.0              -      1',
    '0            -0.5              -      1',
  ])
})

test('trials that did not complete are left out, and without a baseline there is nothing to compare with', () => {
  const history = historyOf([[{ a: 'x', b: 0.5 }, 1], [{ a: 'y', b: 0.5 }, 2]]) // prettier-ignore
  const [first, second] = history.trials
  expect(levelEffects({ ...history, trials: [first!, { ...second!, outcome: { state: 'pruned' } }] })).toEqual([])
  expect(levelEffects({ ...history, trials: [] })).toEqual([])
})
