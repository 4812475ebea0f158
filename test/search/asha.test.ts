import { describe, expect, test } from 'vitest'
import { asha } from '../../src/search/asha.ts'
import type { Goal, Outcome } from '../../src/trial.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf, trialOf } from './histories.ts'

prunerContract(asha())
prunerContract(asha({ first: 2, eta: 4, minTrials: 3 }))

prunerContract(asha({ form: 'promotion' }), { pauses: true })
prunerContract(asha({ form: 'promotion', first: 1, eta: 2, minTrials: 3 }), { pauses: true })

const more: Goal = { direction: 'maximize', metric: 'loss' }

/** What asha says of a trial with these scores, beside trials with those; more is better. */
function keeps(
  pruner: ReturnType<typeof asha>,
  scores: readonly number[],
  others: readonly (readonly number[])[],
  outcome?: Outcome,
): boolean {
  const trials = others.map((other, n) => trialOf(n, other, outcome && { outcome }))
  const trial = trialOf(others.length, scores, { outcome: { state: 'running' } })
  return pruner.judge(trial, historyOf([], [...trials, trial], [more]))?.action !== 'stop'
}

/** The steps at which a hopeless trial is looked at. */
function rungs(pruner: ReturnType<typeof asha>, steps: number): readonly number[] {
  const good = Array.from({ length: steps }, () => 1)
  return good
    .map((_, i) => i + 1)
    .filter(
      (step) =>
        !keeps(
          pruner,
          good.slice(0, step).map(() => 0),
          [good],
        ),
    )
}

describe('asha in its promotion form', () => {
  const pruner = asha({ form: 'promotion' })

  test('pauses at each rung what is not among the best third, and says where it stands', () => {
    const others = [[5], [7], [6], [3], [9]].map((losses, n) => trialOf(n, losses, { outcome: { state: 'pruned' } }))
    const judged = (loss: number) => {
      const trial = trialOf(5, [loss], { outcome: { state: 'running' } })
      return pruner.judge(trial, historyOf([], [...others, trial]))
    }
    expect(judged(4)).toEqual({
      action: 'keep',
      reason: 'loss 4 at step 1 is place 2 of 6, of which the best 2 go on',
      numbers: { step: 1, loss: 4, place: 2, trials: 6, climb: 2 },
    })
    expect(judged(5)).toMatchObject({ action: 'pause', numbers: { place: 3, climb: 2 } })
  })

  test('says whom a trial lets go ahead that is good enough to go on', () => {
    const paused = { outcome: { state: 'paused' } } as const
    const others = [[1, 1, 1], [4], [5], [6, 6, 6], [7, 7, 7], [9]].map((losses, n) => trialOf(n, losses, paused))
    const trial = trialOf(6, [2], { outcome: { state: 'running' } })
    expect(pruner.judge(trial, historyOf([], [...others, trial]))).toMatchObject({
      action: 'pause',
      reason: 'loss 2 at step 1 is place 2 of 7, of which the best 2 go on, and trial 0 goes first',
    })
  })

  test('promotes from the highest rung first, and a trial that has gone on holds its place below', () => {
    const paused = { outcome: { state: 'paused' } } as const
    const trials = [
      trialOf(0, [5, 5, 5, 5]),
      trialOf(1, [1, 1, 1], paused),
      trialOf(2, [2, 2, 2], paused),
      trialOf(3, [3], paused),
      trialOf(4, [4], paused),
      trialOf(5, [6], paused),
    ]
    expect(pruner.promote?.(historyOf([], trials), false)).toMatchObject({
      number: 1,
      numbers: { step: 3, place: 1, climb: 1 },
    })
    const later = trials.map((trial) => (trial.number === 1 ? trialOf(1, [1, 1, 1, 1], { outcome: { state: 'running' } }) : trial)) // prettier-ignore
    expect(pruner.promote?.(historyOf([], later), false)).toBeUndefined()
    const more = [6, 7, 8].map((number) => trialOf(number, [9], paused))
    expect(pruner.promote?.(historyOf([], [...later, ...more]), false)).toMatchObject({ number: 3, numbers: { step: 1, place: 3 } }) // prettier-ignore
  })

  test('lets the best of a rung go on when no more will come, unless that one has', () => {
    const paused = { outcome: { state: 'paused' } } as const
    const waiting = [trialOf(1, [2, 2, 2], paused), trialOf(2, [3], paused)]
    expect(pruner.promote?.(historyOf([], waiting), false)).toBeUndefined()
    expect(pruner.promote?.(historyOf([], waiting), true)).toMatchObject({ number: 1, numbers: { step: 3, climb: 1 } })
    const behind = historyOf([], [trialOf(0, [1, 1, 1, 1]), ...waiting])
    expect(pruner.promote?.(behind, true)).toBeUndefined()
  })

  test('looks at no step between its rungs', () => {
    const trial = trialOf(1, [1, 1], { outcome: { state: 'running' } })
    expect(pruner.judge(trial, historyOf([], [trialOf(0, [2, 2, 2]), trial]))).toBeUndefined()
  })
})

describe('asha', () => {
  test.each([
    [{ first: 1, eta: 2 }, 10, [1, 2, 4, 8]],
    [{ first: 1, eta: 4 }, 100, [1, 4, 16, 64]],
    [{ first: 1, eta: 3 }, 81, [1, 3, 9, 27, 81]],
    [{ first: 1, eta: 10 }, 1000, [1, 10, 100, 1000]],
    [{ first: 100, eta: 3 }, 900, [100, 300, 900]],
    [{ first: 1, eta: 1.5 }, 10, [1, 2, 3, 4, 6, 8]],
  ])('looks at the rungs of %j in %i steps', (options, steps, expected) => {
    expect(rungs(asha(options), steps)).toEqual(expected)
  })

  test.each([
    [51, 3, [2, 6, 17, 51]],
    [27, 3, [1, 3, 9, 27]],
    [300, 3, [12, 34, 100, 300]],
    [12, 3, [2, 4, 12]],
    [100, 4, [2, 7, 25, 100]],
    [3, 3, [1, 3]],
    [2, 3, [2]],
    [1, 3, [1]],
  ])(
    'without a first rung has three below the last of %i steps, or as many as there are, for eta %d',
    (steps, eta, expected) => {
      const known: Pruner = {
        name: 'asha',
        judge: (trial, history) => asha({ eta }).judge(trial, { ...history, steps }),
      }
      expect(rungs(known, steps)).toEqual(expected)
    },
  )

  test('stops what Ray stops: a 1 after a 2 and a 4', () => {
    expect(keeps(asha({ eta: 2 }), [1], [[2], [4]])).toBe(false)
  })

  test('keeps what reaches the cutoff between the scores, ties among them', () => {
    const at = (score: number) => keeps(asha({ eta: 2 }), [score], [[2], [4]])
    expect([2.9, 3, 3.1].map(at)).toEqual([false, true, true])
    expect(keeps(asha(), [4], [[4], [4], [4]])).toBe(true)
  })

  test('keeps one in eta', () => {
    const others = Array.from({ length: 99 }, (_, n) => [n])
    const kept = (eta: number) =>
      Array.from({ length: 99 }, (_, n) => n).filter((n) => keeps(asha({ eta }), [n], others)).length
    expect([2, 3, 4].map(kept)).toEqual([50, 33, 25])
  })

  test.each<Outcome>([
    { state: 'running' },
    { state: 'interrupted' },
    { state: 'pruned' },
    { state: 'complete' },
    { state: 'failed', code: 'trial/threw', message: 'boom' },
  ])('compares with every trial that reached the rung, $state ones too', (outcome) => {
    expect(keeps(asha({ eta: 2 }), [1], [[2], [4]], outcome)).toBe(false)
  })

  test('compares at the rung alone: not with what others reported later, nor with those that never got there', () => {
    expect(keeps(asha({ eta: 2 }), [1, 3], [[0, 2, 9, 9], [5]])).toBe(true)
    expect(keeps(asha({ eta: 2 }), [9, 1], [[0, 2, 9, 9], [5]])).toBe(false)
  })

  test('waits at a rung for as many trials as it is told to', () => {
    expect(keeps(asha({ minTrials: 3 }), [0], [[1], [2]])).toBe(true)
    expect(keeps(asha({ minTrials: 3 }), [0], [[1], [2], [3]])).toBe(false)
  })

  test('stops a trial whose loss is NaN at a rung, even the first', () => {
    expect(keeps(asha(), [Number.NaN], [])).toBe(false)
  })

  test.each([
    [{ first: 0 }, 'asha({ first: 0 }): the first rung must be at step 1 or later'],
    [{ eta: 1 }, 'asha({ eta: 1 }): eta must be greater than 1'],
    [{ eta: Number.NaN }, 'asha({ eta: NaN }): eta must be greater than 1'],
  ])('refuses options that make no sense: %j', (options, message) => {
    expect(() => asha(options)).toThrow(message)
  })
})
