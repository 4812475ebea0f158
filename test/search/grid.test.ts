import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { grid } from '../../src/search/grid.ts'
import {
  choice,
  decodeSpace,
  encodeSpace,
  int,
  oneOf,
  ordinal,
  spaceDims,
  uniform,
  type Space,
} from '../../src/space.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { historyOf, trialOf } from './histories.ts'

samplerContract(grid(), { ends: true })
samplerContract(grid({ repeats: 2 }), { ends: true })

/** The values that a study would try, one after another, until there are none. */
function allValues(
  space: Space,
  first: readonly Readonly<Record<string, unknown>>[] = [],
  levels = 5,
  repeats = 1,
): unknown[] {
  const dims = spaceDims(space)
  const trials = first.map((values, n) => trialOf(n, [n], { point: encodeSpace(space, values) }))
  for (;;) {
    const point = grid({ levels, repeats }).suggest(historyOf(dims, trials), stream(1, trials.length))?.point
    if (!point) return trials.map((trial) => decodeSpace(space, trial.point))
    const values = decodeSpace(space, point)
    trials.push(trialOf(trials.length, [1], { point: encodeSpace(space, values), outcome: { state: 'running' } }))
  }
}

test('every combination comes once, the last parameter fastest, and what was tried counts', () => {
  const space = { a: choice('x', 'y'), b: int(1, 3) }
  expect(allValues(space, [{ a: 'x', b: 2 }])).toEqual([
    { a: 'x', b: 2 },
    { a: 'x', b: 1 },
    { a: 'x', b: 3 },
    { a: 'y', b: 1 },
    { a: 'y', b: 2 },
    { a: 'y', b: 3 },
  ])
})

test('a continuous parameter takes evenly spaced values, its ends among them', () => {
  expect(allValues({ a: uniform(0, 2), b: choice('x', 'y') }, [], 3)).toEqual([
    { a: 0, b: 'x' },
    { a: 0, b: 'y' },
    { a: 1, b: 'x' },
    { a: 1, b: 'y' },
    { a: 2, b: 'x' },
    { a: 2, b: 'y' },
  ])
})

test('each combination is repeated once all have been tried, what was tried counting', () => {
  const space = { a: choice('x', 'y'), b: uniform(0, 1) }
  expect(allValues(space, [{ a: 'x', b: 1 }], 2, 2)).toEqual([
    { a: 'x', b: 1 },
    { a: 'x', b: 0 },
    { a: 'y', b: 0 },
    { a: 'y', b: 1 },
    { a: 'x', b: 0 },
    { a: 'x', b: 1 },
    { a: 'y', b: 0 },
    { a: 'y', b: 1 },
  ])
})

test('what is switched off is not varied', () => {
  const space = {
    net: oneOf({ plain: {}, deep: { depth: ordinal(1, 2), skip: choice(true, false) } }),
    lr: choice(1, 2),
  }
  const values = allValues(space)
  expect(values).toHaveLength(2 * (1 + 4))
  expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(values.length)
})

test('in any finite space each point comes exactly once', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(sizes, (counts) => {
      const space = Object.fromEntries(counts.map((count, i) => [`p${i}`, int(1, count)]))
      const values = allValues(space)
      expect(values).toHaveLength(counts.reduce((product, count) => product * count, 1))
      expect(new Set(values.map((value) => JSON.stringify(value))).size).toBe(values.length)
    }),
    { numRuns: 40 },
  )
})

test('a study that refuses too many combinations in a row is told so, rather than searched forever', () => {
  const dims = spaceDims(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`p${i}`, uniform(0, 1)])))
  const history = { ...historyOf(dims, []), allows: () => false }
  expect(() => grid().suggest(history, stream(1))).toThrow(
    'grid(): 100000 combinations in a row are none that the study allows',
  )
})

test('the last of thousands of combinations is found in no time', () => {
  const dims = spaceDims({ a: int(1, 50), b: choice('x', 'y'), c: uniform(0, 1) })
  const points = Array.from({ length: 50 * 2 * 40 }, (_, i) => [((i % 50) + 0.5) / 50, (Math.floor(i / 50) % 2) / 2 + 0.25, Math.floor(i / 100) / 39]) // prettier-ignore
  const trials = points.slice(1).map((point, n) => trialOf(n, [1], { point }))
  expect(grid({ levels: 40 }).suggest(historyOf(dims, trials), stream(1))?.point).toEqual(points[0])
  const others = points.slice(0, -1).map((point, n) => trialOf(n, [1], { point }))
  const before = process.cpuUsage()
  expect(grid({ levels: 40 }).suggest(historyOf(dims, others), stream(1))?.point).toEqual(points.at(-1))
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(200)
})
