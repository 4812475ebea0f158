import { describe, expect, test } from 'vitest'
import { median } from '../../src/search/median.ts'
import type { Outcome } from '../../src/trial.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf, trialOf } from './histories.ts'

prunerContract(median())
prunerContract(median({ warmupSteps: 3, minTrials: 1 }))

const others = [[3, 2, 1], [6, 5, 4], [9, 8, 7]] // prettier-ignore

function keeps(
  pruner: ReturnType<typeof median>,
  losses: readonly number[],
  outcome: Outcome = { state: 'complete' },
): boolean {
  const trials = others.map((other, n) => trialOf(n, other, { outcome }))
  const trial = trialOf(3, losses, { outcome: { state: 'running' } })
  return pruner.judge(trial, historyOf([], [...trials, trial]))?.action !== 'stop'
}

describe('median', () => {
  test('stops a trial whose best report is worse than the median of complete trials at its step', () => {
    const pruner = median({ minTrials: 3 })
    expect([5.9, 6, 6.1].map((loss) => keeps(pruner, [loss]))).toEqual([true, true, false])
    expect([4.9, 5, 5.1].map((loss) => keeps(pruner, [9, loss]))).toEqual([true, true, false])
  })

  test('forgives a bad report after a good one, but none that is NaN', () => {
    expect(keeps(median({ minTrials: 3 }), [4, 9])).toBe(true)
    expect(keeps(median({ minTrials: 3 }), [4, Number.NaN])).toBe(false)
  })

  test('leaves a trial alone until it is warm, and until there are enough to compare it with', () => {
    expect(keeps(median({ minTrials: 3, warmupSteps: 1 }), [99])).toBe(true)
    expect(keeps(median({ minTrials: 3, warmupSteps: 1 }), [99, 99])).toBe(false)
    expect(keeps(median({ minTrials: 4 }), [99])).toBe(true)
  })

  test('compares with complete trials only', () => {
    expect(keeps(median({ minTrials: 1 }), [99], { state: 'running' })).toBe(true)
    expect(keeps(median({ minTrials: 1 }), [99], { state: 'pruned' })).toBe(true)
  })
})
