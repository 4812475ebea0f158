import { describe, expect, test } from 'vitest'
import { atMost } from '../src/study.ts'
import {
  best,
  excessOf,
  front,
  hasEnded,
  lossAt,
  lossAtStep,
  lossOf,
  type Goal,
  type Outcome,
  type Trial,
} from '../src/trial.ts'
import { minimizeLoss, trialOf } from './search/histories.ts'

const failed: Outcome = { state: 'failed', code: 'trial/threw', message: 'boom' }
const pq: Goal = { direction: 'maximize', metric: 'pq' }
const ms: Goal = { direction: 'minimize', metric: 'ms' }

function numbersOf(trials: readonly Trial[]): readonly number[] {
  return trials.map((trial) => trial.number)
}

describe('a loss', () => {
  test('is the metric, turned round where more is better', () => {
    expect(lossOf(pq, { pq: 40 })).toBe(-40)
    expect(lossOf(ms, { ms: 40 })).toBe(40)
  })

  test('is NaN where the metric was not reported', () => {
    expect(lossOf(pq, { loss: 1 })).toBeNaN()
    expect(lossOf(pq, undefined)).toBeNaN()
    expect(lossAt(minimizeLoss, trialOf(0, []))).toBeNaN()
  })

  test('of a trial is that of its last report', () => {
    expect(lossAt(minimizeLoss, trialOf(0, [3, 1, 2]))).toBe(2)
  })

  test('at a step is what was reported there', () => {
    const trial = trialOf(0, [3, 1])
    expect([1, 2, 3].map((step) => lossAtStep(minimizeLoss, trial, step))).toEqual([3, 1, undefined])
  })
})

test('a trial has ended when it can no longer change', () => {
  const states = ['running', 'interrupted', 'complete', 'pruned'] as const
  expect(states.map((state) => hasEnded(trialOf(0, [1], { outcome: { state } })))).toEqual([false, false, true, true])
  expect(hasEnded(trialOf(0, [], { outcome: failed }))).toBe(true)
})

describe('the best trial', () => {
  test('is the complete one with the lowest loss, the earliest of equals', () => {
    const trials = [
      trialOf(0, [3]),
      trialOf(1, [2]),
      trialOf(2, [2]),
      trialOf(3, [0], { outcome: { state: 'pruned' } }),
      trialOf(4, [0], { outcome: failed }),
      trialOf(5, [0], { outcome: { state: 'running' } }),
    ]
    expect(best({ goals: [minimizeLoss], trials })?.number).toBe(1)
  })

  test('is none without a complete one that has a result', () => {
    expect(best({ goals: [minimizeLoss], trials: [] })).toBeUndefined()
    expect(best({ goals: [minimizeLoss], trials: [trialOf(0, [Number.NaN])] })).toBeUndefined()
  })

  test('is found among results that are NaN or infinite', () => {
    const losses = [Infinity, Number.NaN, 3, Number.NaN, Infinity, 1, Number.NaN, 2]
    const trials = losses.map((loss, number) => trialOf(number, [loss]))
    expect(best({ goals: [minimizeLoss], trials })?.number).toBe(5)
  })
})

test('trials that keep the constraints are better than those that do not, whatever their losses', () => {
  const results = [[1, 200, 1], [3, 100, 1], [2, 150, 1], [3, 100, 2]] // prettier-ignore
  const trials = results.map(([loss = 0, mb = 0, ms = 0], number) => ({
    ...trialOf(number, []),
    reports: [{ step: 1, metrics: { loss, mb, ms }, at: 0 }],
  }))
  const goals = [minimizeLoss, ms]
  const under = (bound: number) => ({ goals, constraints: [atMost('mb', bound)], trials })
  expect(best(under(100))?.number).toBe(1)
  expect(best(under(150))?.number).toBe(2)
  expect(best(under(50))?.number).toBe(1)
  expect(numbersOf(front(under(100)))).toEqual([1])
  expect(numbersOf(front(under(150)))).toEqual([2])
})

test('a bound on what was not measured is broken', () => {
  const [constraint] = [atMost('mb', 100)]
  expect([{ mb: 90 }, { mb: 110 }, { mb: Number.NaN }, {}].map((one) => excessOf(constraint, one))).toEqual([-10, 10, Infinity, Infinity]) // prettier-ignore
})

test('the front is every complete trial that no other beats in one goal and equals in the rest', () => {
  const results = [[40, 10], [50, 20], [45, 20], [50, 20], [30, 5], [Number.NaN, 1]] // prettier-ignore
  const trials = results.map(([pq = 0, ms = 0], number) => ({
    ...trialOf(number, [0]),
    reports: [{ step: 1, metrics: { pq, ms }, at: 0 }],
  }))
  expect(numbersOf(front({ goals: [pq, ms], trials }))).toEqual([0, 1, 3, 4])
  expect(numbersOf(front({ goals: [pq], trials }))).toEqual([1, 3])
})
