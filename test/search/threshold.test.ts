import { describe, expect, test } from 'vitest'
import { threshold } from '../../src/search/threshold.ts'
import { atLeast, atMost } from '../../src/study.ts'
import type { Metrics } from '../../src/trial.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf } from './histories.ts'
import { reporting } from './several_goals.ts'

// The losses of the suite lie around 10 and, turned, around -10; the worst one has 110.
prunerContract(threshold([atMost('loss', 50)]))

const bounds = [atMost('loss', 20), atLeast('pq', 5)]

function judged(metrics: Metrics) {
  const trial = reporting(1, metrics, { state: 'running' })
  return threshold(bounds).judge(trial, historyOf([], [trial]))
}

describe('threshold', () => {
  test('stops a trial whose report breaks any of the bounds', () => {
    expect(judged({ loss: 20, pq: 5 })?.action).toBe('keep')
    expect(judged({ loss: 20.1, pq: 5 })?.action).toBe('stop')
    expect(judged({ loss: 1, pq: 4.9 })?.action).toBe('stop')
  })

  test('says what was broken, and by which numbers', () => {
    expect(judged({ loss: 1, pq: 4.25 })).toEqual({
      action: 'stop',
      reason: 'pq 4.25 at step 1 is not at least 5',
      numbers: { step: 1, value: 4.25, bound: 5 },
    })
    expect(judged({ loss: 1, pq: 6 })?.reason).toBe('loss 1 at step 1 keeps loss at most 20, pq at least 5')
  })

  test('takes for broken what is NaN or was not reported', () => {
    expect(judged({ loss: Number.NaN, pq: 6 })?.action).toBe('stop')
    expect(judged({ loss: 1 })?.reason).toBe('pq NaN at step 1 is not at least 5')
  })

  test('leaves a trial alone until it is warm', () => {
    const trial = reporting(1, { loss: 99 }, { state: 'running' })
    expect(threshold([atMost('loss', 20)], { warmupSteps: 1 }).judge(trial, historyOf([], [trial]))).toBeUndefined()
  })

  test('refuses to have nothing to keep', () => {
    expect(() => threshold([])).toThrow('there is no bound to keep')
  })
})
