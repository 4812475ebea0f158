import { describe, expect, test } from 'vitest'
import type { TrialCode } from '../../src/trial.ts'
import { isRunAgain } from '../../src/trials/retries.ts'

/** How often a trial is run again that fails so every time. */
function retries(code: TrialCode, hasAdvanced: boolean): number {
  const failures = []
  while (failures.length < 9 && isRunAgain({ code, message: '' }, failures, hasAdvanced))
    failures.push({ code, message: '' })
  return failures.length
}

describe('a trial is run again', () => {
  test.each<[TrialCode, number, number]>([
    ['trial/lost', 3, 3],
    ['trial/oom', 1, 1],
    ['trial/timeout', 1, 0],
    ['trial/threw', 0, 0],
    ['trial/diverged', 0, 0],
    ['trial/invalid-report', 0, 0],
    ['trial/no-report', 0, 0],
  ])('after %s %i times where it left a newer checkpoint, else %i times', (code, advanced, stuck) => {
    expect([retries(code, true), retries(code, false)]).toEqual([advanced, stuck])
  })

  test('whatever other failures came before', () => {
    const earlier = [{ code: 'trial/oom', message: '' } as const, { code: 'trial/lost', message: '' } as const]
    expect(isRunAgain({ code: 'trial/lost', message: 'its process was killed' }, earlier, false)).toBe(true)
    expect(isRunAgain({ code: 'trial/oom', message: 'too large' }, earlier, false)).toBe(false)
  })
})
