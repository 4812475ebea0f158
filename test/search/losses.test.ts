import { expect, test } from 'vitest'
import { finiteLosses } from '../../src/search/losses.ts'
import type { Outcome } from '../../src/trial.ts'
import { minimizeLoss, trialOf } from './histories.ts'
import { lossOf } from '../../src/trial.ts'

const measure = (metrics: Parameters<typeof lossOf>[1]) => lossOf(minimizeLoss, metrics)
const pruned: Outcome = { state: 'pruned' }
const failed: Outcome = { state: 'failed', code: 'trial/threw', message: 'boom' }

test('what failed or is NaN counts as the worst that was seen, what is infinite as the best and the worst', () => {
  const trials = [
    trialOf(0, [3]),
    trialOf(1, [-Infinity]),
    trialOf(2, [7]),
    trialOf(3, [Infinity]),
    trialOf(4, [Number.NaN]),
    trialOf(5, [1], { outcome: failed }),
    trialOf(6, [], { outcome: failed }),
  ]
  expect([...finiteLosses(measure, trials)]).toEqual([3, 3, 7, 7, 7, 7, 7])
})

test('a pruned or paused trial counts as what it would have come to', () => {
  const trials = [
    trialOf(0, [10, 8, 5]),
    trialOf(1, [9, 8, 6]),
    trialOf(2, [12, 11, 9]),
    trialOf(3, [11], { outcome: pruned }),
    trialOf(4, [11, 10], { outcome: { state: 'paused' } }),
    trialOf(5, [4, 4, 4, 4], { outcome: pruned }),
  ]
  // Complete ones gain 3, in their median, after the first step, and 2 after the second; none says what a fourth is worth.
  expect([...finiteLosses(measure, trials)]).toEqual([5, 6, 9, 8, 8, 9])
})

test('losses are all alike where nothing finite was seen', () => {
  expect([...finiteLosses(measure, [trialOf(0, [Number.NaN]), trialOf(1, [Infinity])])]).toEqual([0, 0])
  expect([...finiteLosses(measure, [])]).toEqual([])
})
