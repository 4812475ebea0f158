import { describe, expect, test } from 'vitest'
import { median } from '../../src/search/median.ts'
import { patient } from '../../src/search/patient.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf, trialOf } from './histories.ts'

// The losses of the suite fall by 0.01 a step: that is no gain here.
prunerContract(patient(median(), { steps: 2, least: 0.1 }))

const strict: Pruner = { name: 'strict', judge: () => ({ action: 'stop', reason: 'bad', numbers: { loss: 1 } }) }

function action(pruner: Pruner, losses: readonly number[]): string | undefined {
  const trial = trialOf(1, losses, { outcome: { state: 'running' } })
  return pruner.judge(trial, historyOf([], [trial]))?.action
}

describe('patient', () => {
  test.each([
    [[9], 'keep'],
    [[9, 10], 'keep'],
    [[9, 10, 11], 'stop'],
    [[9, 10, 8.9], 'keep'],
    [[9, 8.9, 10], 'keep'],
    [[9, 8.9, 10, 10], 'stop'],
    [[9, 9, 9], 'stop'],
    [[9, Number.NaN, 8], 'keep'],
    [[9, Number.NaN, Number.NaN], 'stop'],
    [[Number.NaN, Number.NaN, 3], 'keep'],
    [[Number.NaN, Number.NaN, Number.NaN], 'stop'],
  ])('lets the losses %j end by: %s', (losses, expected) => {
    expect(action(patient(strict, { steps: 2 }), losses)).toBe(expected)
  })

  test('counts as better only what is better by more than the least', () => {
    expect(action(patient(strict, { steps: 1, least: 0.5 }), [9, 8.5])).toBe('stop')
    expect(action(patient(strict, { steps: 1, least: 0.5 }), [9, 8.4])).toBe('keep')
  })

  test('says what the other pruner wanted, and why it did not get it', () => {
    const trial = trialOf(1, [9, 8.5], { outcome: { state: 'running' } })
    expect(patient(strict, { steps: 1 }).judge(trial, historyOf([], [trial]))).toEqual({
      action: 'keep',
      reason: 'bad, but it gained 0.5 within its last reports',
      numbers: { loss: 1, gain: 0.5 },
    })
  })

  test('has nothing to say where the other has not', () => {
    expect(action(patient({ name: 'lenient', judge: () => undefined }), [1])).toBeUndefined()
  })

  test('refuses a patience of no reports', () => {
    expect(() => patient(strict, { steps: 0 })).toThrow('patience is a whole number of reports from 1')
  })
})
