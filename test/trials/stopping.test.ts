import { expect, test } from 'vitest'
import { atMost, defineStudy, maximize, type Budget } from '../../src/study.ts'
import type { Trial } from '../../src/trial.ts'
import { endOf, endText, type Progress } from '../../src/trials/stopping.ts'
import { numbers } from '../search/functions.ts'
import { trialOf } from '../search/histories.ts'

/** Complete trials with these results; points are alike where a `same` says so. */
function trialsOf(results: readonly number[], change: (n: number) => Partial<Trial> = () => ({})): readonly Trial[] {
  return results.map((pq, n) => ({
    ...trialOf(n, [], { point: [n / 100] }),
    reports: [{ step: 1, metrics: { pq }, at: 0 }],
    ...change(n),
  }))
}

function progressOf(budget: Partial<Budget>, trials: readonly Trial[], seconds = 0): Progress {
  const study = defineStudy({
    name: 'tiny',
    goal: maximize('pq'),
    space: {},
    budget: { trials: 99, ...budget },
    async *objective() {
      yield { pq: 0 }
    },
  })
  return {
    study,
    history: { dims: numbers(1), goals: study.goals, trials },
    isStopping: false,
    endedNow: [],
    seconds,
    runningSeconds: 0,
  }
}

function told(progress: Progress): readonly [string | undefined, string] {
  const why = endOf(progress)
  return [why, why === undefined ? '' : endText(why, progress)]
}

test('a study ends with the trials of its budget, those that run among them', () => {
  expect(told(progressOf({ trials: 3 }, trialsOf([1, 2])))).toEqual([undefined, ''])
  expect(told(progressOf({ trials: 2 }, trialsOf([1, 2])))).toEqual(['budget', 'spent its budget of 2 trials'])
  const last = (n: number): Partial<Trial> => (n === 1 ? { outcome: { state: 'running' } } : {})
  expect(endOf(progressOf({ trials: 2 }, trialsOf([1, 2], last)))).toBe('budget')
})

test('a study ends once a result that keeps the constraints is as good as its target', () => {
  expect(endOf(progressOf({ target: 3 }, trialsOf([1, 2.9])))).toBeUndefined()
  const reached = progressOf({ target: 3 }, trialsOf([1, 3, 2]))
  expect(told(reached)).toEqual(['target', 'trial 1 reached the target: pq 3'])
  const history = { ...reached.history, constraints: [atMost('memory', 100)] }
  expect(endOf({ ...reached, history })).toBeUndefined()
})

test('a study ends when so many trials in a row were better by no more than the noise of the baseline', () => {
  const again = (n: number): Partial<Trial> => (n < 4 ? { point: [0.5] } : {})
  // The baseline four times, 1 apart on average; then one that is better than all of that, and five that are not.
  const results = [10, 12, 11, 11, 14, 14.5, 13, 14.7, 12, 14.6]
  expect(endOf(progressOf({ patience: 6 }, trialsOf(results, again)))).toBeUndefined()
  expect(told(progressOf({ patience: 5 }, trialsOf(results, again)))).toEqual([
    'settled',
    '5 trials in a row brought no improvement beyond the noise, 0.82, the standard deviation of 4 runs of the baseline',
  ])
  expect(endOf(progressOf({ patience: 5 }, trialsOf([...results, 15.5], again)))).toBeUndefined()
})

test('without repeats the noise is the standard error of the best, or not known', () => {
  const withError = (n: number): Partial<Trial> => ({ reports: [{ step: 1, metrics: { pq: 10 + n / 10, pq_se: 0.25 }, at: 0 }] }) // prettier-ignore
  const [why, text] = told(progressOf({ patience: 2 }, trialsOf([0, 0, 0], withError)))
  expect(why).toBe('settled')
  expect(text).toContain('0.25, the standard error of pq')
  expect(endOf(progressOf({ patience: 2 }, trialsOf([1, 2, 3, 4])))).toBeUndefined()
  expect(told(progressOf({ patience: 2 }, trialsOf([2, 1, 1])))[1]).toContain('not known: nothing was repeated')
})

test('a study ends by the clock, and by the hours of its devices', () => {
  expect(endOf(progressOf({ hours: 2 }, trialsOf([1]), 7199))).toBeUndefined()
  expect(told(progressOf({ hours: 2 }, trialsOf([1]), 7200))).toEqual(['hours', 'its 2 hours are over'])
  const hour = (): Partial<Trial> => ({ seconds: 3600 })
  expect(endOf(progressOf({ deviceHours: 2.5 }, trialsOf([1, 2], hour)))).toBeUndefined()
  expect(told(progressOf({ deviceHours: 2.5 }, trialsOf([1, 2, 3], hour)))).toEqual([
    'device-hours',
    'its trials have used 3.00 hours of their devices, of 2.5',
  ])
  const running = { ...progressOf({ deviceHours: 2.5 }, trialsOf([1, 2], hour)), runningSeconds: 1800 }
  expect(told(running)).toEqual(['device-hours', 'its trials have used 2.50 hours of their devices, of 2.5'])
})

test('what lies outside the space as it is now, or has no number for a result, is no repeat of the baseline', () => {
  const results = [10, 0, 5, 11, 12, 13]
  const outside = (n: number): Partial<Trial> => (n === 1 || n === 2 ? { point: [] } : {})
  expect(endOf(progressOf({ patience: 3 }, trialsOf(results, outside)))).toBeUndefined()
  const alike = (n: number): Partial<Trial> => (n < 2 ? { point: [0] } : {})
  expect(endOf(progressOf({ patience: 3 }, trialsOf([10, Number.NaN, 11, 12, 13], alike)))).toBeUndefined()
})
