import { describe, expect, test } from 'vitest'
import { asha } from '../../src/search/asha.ts'
import { curves } from '../../src/search/curves.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf, trialOf } from './histories.ts'

prunerContract(curves())
prunerContract(curves({ chance: 0.2, minReports: 6 }))

const END = 30
const falling = (level: number, change: number, rate: number) => (t: number) => level + change * Math.exp(-t / rate)
const quick = falling(0.5, 0.5, 2)
const late = falling(0.2, 0.8, 12)

function reported(curve: (t: number) => number, steps: number): readonly number[] {
  return Array.from({ length: steps }, (_, i) => curve(i + 1))
}

/** What is said of a trial at a step beside one complete trial. */
function judge(pruner: Pruner, curve: (t: number) => number, step: number) {
  const leader = trialOf(0, reported(quick, END))
  const trial = trialOf(1, reported(curve, step), { outcome: { state: 'running' } })
  return pruner.judge(trial, historyOf([], [leader, trial]))
}

describe('curves', () => {
  test('keeps what learns late and ends best, where a comparison at a rung stops it', () => {
    expect(judge(asha(), late, 9)?.action).toBe('stop')
    for (let step = 4; step < END; step++) expect(judge(curves(), late, step)?.action).toBe('keep')
  })

  test('stops what has come to rest above the best, sooner the further it is', () => {
    const stopped = (level: number) => reported(late, END).findIndex((_, i) => judge(curves(), falling(level, 0.4, 3), i + 1)?.action === 'stop') + 1 // prettier-ignore
    expect(stopped(0.9)).toBeGreaterThanOrEqual(4)
    expect(stopped(0.9)).toBeLessThanOrEqual(12)
    expect(stopped(0.9)).toBeLessThanOrEqual(stopped(0.55))
    expect(stopped(0.55)).toBeLessThanOrEqual(20)
  })

  test('stops what diverges, whatever its size', () => {
    expect(judge(curves(), (t) => 10 ** t, 6)?.action).toBe('stop')
  })

  test('says what is expected, and how likely it is better', () => {
    const { reason, numbers } = judge(curves(), falling(0.9, 0.4, 3), 15)!
    expect(reason).toMatch(
      /^loss 0\.[89]\d* is expected at step 30 by the 15 reports so far, better than loss 0\.5 by a chance of [\de.-]+ %$/,
    )
    expect(numbers).toMatchObject({ step: 15, end: 30, best: expect.closeTo(0.5, 3) })
    expect(numbers['chance']).toBeLessThan(0.05)
  })

  test('waits for some reports, and for a trial to compare with', () => {
    expect(judge(curves(), () => 9, 3)).toBeUndefined()
    const trial = trialOf(1, [9, 9, 9, 9, 9], { outcome: { state: 'running' } })
    expect(curves().judge(trial, historyOf([], [trial]))).toBeUndefined()
  })

  test('refuses a chance that is none', () => {
    expect(() => curves({ chance: 5 })).toThrow('curves({ chance: 5 }): a chance lies between 0 and 1')
  })
})
