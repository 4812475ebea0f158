import { expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { rank, worstIfNaN } from '../../src/search/ranking.ts'
import { atLeast, atMost } from '../../src/study.ts'
import type { Outcome, Trial } from '../../src/trial.ts'
import { historyOf, trialOf } from './histories.ts'

const pruned: Outcome = { state: 'pruned' }
const failed: Outcome = { state: 'failed', code: 'trial/threw', message: 'boom' }

test('trials rank by loss, then pruned ones by how far they came, then those without a result', () => {
  const trials = [
    trialOf(0, [0.1], { outcome: failed }),
    trialOf(1, [1], { outcome: pruned }),
    trialOf(2, [5, 6], { outcome: pruned }),
    trialOf(3, [5, 4], { outcome: pruned }),
    trialOf(4, [Infinity]),
    trialOf(5, [9, 3]),
    trialOf(6, [Number.NaN]),
    trialOf(7, [9, 2]),
    trialOf(8, [9, 3]),
    trialOf(9, [], { outcome: { state: 'running' } }),
    trialOf(10, [0], { outcome: { state: 'interrupted' } }),
    trialOf(11, [], { outcome: pruned }),
  ]
  const { ended, pending } = rank(historyOf([], trials))
  expect(ended.map((trial) => trial.number)).toEqual([7, 5, 8, 4, 3, 2, 1, 0, 6, 11])
  expect(pending.map((trial) => trial.number)).toEqual([9, 10])
})

test('trials that break constraints rank after all that keep them, those that break them least first', () => {
  const metrics = [{ loss: 1, mb: 90, fps: 9 }, { loss: 0, mb: 112, fps: 30 }, { loss: 2, mb: 90, fps: 30 }, { loss: 0, mb: 90, fps: 8 }, { loss: 0, mb: 90 }] // prettier-ignore
  const trials = metrics.map((one, number) => ({ ...trialOf(number, []), reports: [{ step: 1, metrics: one, at: 0 }] }))
  const history = historyOf([], [...trials, trialOf(5, [9], { outcome: pruned })])
  const constraints = [atMost('mb', 100), atLeast('fps', 10)]
  expect(rank({ ...history, constraints }).ended.map(({ number }) => number)).toEqual([2, 5, 0, 1, 3, 4])
})

test('a NaN loss is the worst there is', () => {
  expect([worstIfNaN(Number.NaN), worstIfNaN(-1), worstIfNaN(Infinity)]).toEqual([Infinity, -1, Infinity])
})

test('a ranking follows a study that goes on as one that is ranked for the first time', () => {
  const rng = stream(1, 'ranking')
  const dims: [] = []
  const outcomes = [{ state: 'complete' }, pruned, failed, { state: 'paused' }, { state: 'running' }] as const
  const trials: Trial[] = []
  for (let n = 0; n < 200; n++) {
    const loss = [rng.below(3), Number.NaN, Infinity, -Infinity][rng.below(4)]!
    trials.push(trialOf(n, [loss, loss].slice(rng.below(3)), { outcome: { state: 'running' } }))
    const open = trials.filter(({ outcome }) => outcome.state === 'running' || outcome.state === 'paused')
    const next = open[rng.below(open.length)]!
    trials[next.number] = { ...next, outcome: outcomes[rng.below(outcomes.length)]! }
    const [known, fresh] = [historyOf(dims, trials), historyOf([], trials)].map(rank)
    expect(known).toEqual(fresh)
  }
})
