import { expect, test } from 'vitest'
import { inFronts } from '../../src/search/fronts.ts'
import type { Outcome, Trial } from '../../src/trial.ts'
import { trialOf } from './histories.ts'

const goals = [
  { direction: 'minimize', metric: 'a' },
  { direction: 'minimize', metric: 'b' },
] as const

function result(number: number, a: number, b: number, outcome: Outcome = { state: 'complete' }): Trial {
  return { ...trialOf(number, [], { outcome }), reports: [{ step: 1, metrics: { a, b }, at: 0 }] }
}

test('trials stand front by front, those with room around them first', () => {
  const trials = [
    result(0, 3, 3),
    result(1, 0, 4),
    result(2, 4, 0),
    result(3, 1, 1.1),
    result(4, 1.1, 1),
    result(5, 0.9, 2),
    result(6, 9, 9),
    result(7, 8, Number.NaN),
    result(8, 0, 0, { state: 'pruned' }),
  ]
  const sorted = inFronts(trials, { dims: [], goals, trials })
  expect(sorted.map(({ trial, front }) => `${front}: ${trial.number}`)).toEqual(
    ['0: 1', '0: 2', '0: 4', '0: 5', '0: 3', '1: 0', '2: 6', '3: 8', '4: 7'], // prettier-ignore
  )
})

test('trials that break constraints stand behind, those that break them least first', () => {
  const trials = [result(0, 1, 9), result(1, 5, 1), result(2, 6, 3), result(3, 0, 12)]
  const sorted = inFronts(trials, { dims: [], goals, constraints: [{ metric: 'b', atMost: 4 }], trials })
  expect(sorted.map(({ trial }) => trial.number)).toEqual([1, 2, 0, 3])
})
