import { describe, expect, test } from 'vitest'
import { percentile } from '../../src/search/percentile.ts'
import type { Goal } from '../../src/trial.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf, trialOf } from './histories.ts'
import { reporting } from './several_goals.ts'

prunerContract(percentile())
prunerContract(percentile({ percent: 75, minTrials: 2 }))

function keeps(percent: number, loss: number): boolean {
  const others = Array.from({ length: 11 }, (_, n) => trialOf(n, [n]))
  const trial = trialOf(11, [loss], { outcome: { state: 'running' } })
  return percentile({ percent }).judge(trial, historyOf([], [...others, trial]))?.action === 'keep'
}

describe('percentile', () => {
  test.each([
    [10, 1],
    [25, 2.5],
    [90, 9],
  ])('keeps the best %i % of complete trials, those at the cutoff among them', (percent, cutoff) => {
    expect([cutoff - 0.1, cutoff, cutoff + 0.1].map((loss) => keeps(percent, loss))).toEqual([true, true, false])
  })

  test('refuses a share that is none', () => {
    expect(() => percentile({ percent: 101 })).toThrow('percentile({ percent: 101 }): a share lies between 0 and 100')
  })
})

describe('percentile, with several goals,', () => {
  const goals: readonly Goal[] = [
    { direction: 'maximize', metric: 'pq' },
    { direction: 'minimize', metric: 'ms' },
  ]
  const others = [[10, 1], [20, 2], [30, 3], [9, 2], [8, 9]].map(([pq = 0, ms = 0], n) => reporting(n, { pq, ms })) // prettier-ignore

  test.each([
    ['no other dominates', { pq: 15, ms: 1.5 }, 'keep'],
    ['all others dominate', { pq: 1, ms: 10 }, 'stop'],
    ['has a goal that is NaN', { pq: Number.NaN, ms: 0 }, 'stop'],
  ])('judges a trial that %s', (_, metrics, action) => {
    const trial = reporting(5, metrics, { state: 'running' })
    expect(percentile().judge(trial, historyOf([], [...others, trial], goals))?.action).toBe(action)
  })

  test('says by how many a trial is dominated', () => {
    const trial = reporting(5, { pq: 1, ms: 10 }, { state: 'running' })
    const verdict = percentile().judge(trial, historyOf([], [...others, trial], goals))
    expect(verdict?.reason).toBe('at step 1 it is dominated by 5, more than 0, the best 25 % of 5 complete trials')
    expect(verdict?.numbers).toEqual({ step: 1, loss: 5, cutoff: 0, others: 5 })
  })
})
