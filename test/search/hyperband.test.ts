import { describe, expect, test } from 'vitest'
import { hyperband } from '../../src/search/hyperband.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf, trialOf } from './histories.ts'

prunerContract(hyperband())
prunerContract(hyperband({ first: 2, eta: 2, brackets: 4 }))
prunerContract(hyperband({ form: 'promotion', brackets: 1 }), { pauses: true })

/** The steps at which a hopeless trial of a number is looked at beside many that are good. */
function rungsOf(number: number): string {
  const good = Array.from({ length: 40 }, (_, n) =>
    trialOf(
      1000 + n,
      Array.from({ length: 27 }, () => 1),
    ),
  )
  const steps = Array.from({ length: 27 }, (_, i) => i + 1)
  const looked = steps.filter((step) => {
    const trial = trialOf(number, Array.from({ length: step }, () => 2), { outcome: { state: 'running' } }) // prettier-ignore
    return hyperband().judge(trial, historyOf([], [trial, ...good]))?.action === 'stop'
  })
  return looked.join()
}

describe('hyperband', () => {
  const all = Array.from({ length: 300 }, (_, number) => rungsOf(number))

  test('gives every trial one of its brackets, each with a later first rung', () => {
    expect(new Set(all)).toEqual(new Set(['1,3,9,27', '3,9,27', '9,27']))
  })

  test('shares trials as Hyperband does: 9/3 to 3/2 to 1', () => {
    const share = (rungs: string) => all.filter((other) => other === rungs).length / all.length
    expect(share('1,3,9,27')).toBeCloseTo(3 / 5.5, 1)
    expect(share('3,9,27')).toBeCloseTo(1.5 / 5.5, 1)
    expect(share('9,27')).toBeCloseTo(1 / 5.5, 1)
  })

  test('compares a trial with those of its bracket alone', () => {
    const others = Array.from({ length: 100 }, (_, n) => trialOf(n, [1]))
    const number = all.indexOf('1,3,9,27', 100)
    const trial = trialOf(number, [2], { outcome: { state: 'running' } })
    const verdict = hyperband().judge(trial, historyOf([], [...others, trial]))
    const inBracket = all.slice(0, 100).filter((rungs) => rungs === '1,3,9,27').length
    expect(verdict?.numbers).toMatchObject({ others: inBracket, bracket: 0 })
  })

  test('says which bracket decided', () => {
    const others = Array.from({ length: 40 }, (_, n) =>
      trialOf(
        n,
        Array.from({ length: 9 }, () => 1),
      ),
    )
    const trial = trialOf(40, Array.from({ length: 9 }, () => 2), { outcome: { state: 'running' } }) // prettier-ignore
    expect(hyperband().judge(trial, historyOf([], [...others, trial]))?.reason).toMatch(/, in bracket [123] of 3$/)
  })

  test('refuses to have no bracket', () => {
    expect(() => hyperband({ brackets: 0 })).toThrow('hyperband({ brackets: 0 }): a whole number from 1 is needed')
  })

  test('refuses at once what none of its brackets can be', () => {
    expect(() => hyperband({ eta: 1 })).toThrow('eta: 1')
    expect(() => hyperband({ first: 0 })).toThrow('first: 0')
    expect(() => hyperband({ form: 'promote' as never })).toThrow("form: 'promote'")
  })
})
