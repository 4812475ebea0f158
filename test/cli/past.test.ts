import { describe, expect, test } from 'vitest'
import { pastOf, type Decision } from '../../src/cli/past.ts'
import type { Outcome, Trial } from '../../src/trial.ts'
import { historyOf, trialOf } from '../search/histories.ts'

/** A trial that reported at these times. */
function reportedAt(number: number, times: readonly number[], outcome: Outcome): Trial {
  const trial = trialOf(number, times.map(() => 1), { outcome }) // prettier-ignore
  return { ...trial, reports: trial.reports.map((report, i) => ({ ...report, at: times[i]! })) }
}

function decided(trial: number, step: number, at: number, action: Decision['action']): Decision {
  return { trial, step, at, action, pruner: 'p', reason: 'r', numbers: {} }
}

const complete: Outcome = { state: 'complete' }
const pause = decided(2, 1, 15, 'pause')
const promote = decided(2, 1, 40, 'promote')
const history = historyOf(
  [],
  [
    reportedAt(0, [10, 20, 30], complete),
    reportedAt(1, [10, 20, 50], { state: 'pruned' }),
    reportedAt(2, [15, 50], complete),
    reportedAt(3, [12, 30, 60], complete),
  ],
)
const shape = ({ reports, outcome }: Trial) => `${outcome.state} ${reports.length}`
const at = (decision: Decision, withTies = true) =>
  pastOf(history, [pause, promote], decision, { withTies }).trials.map(shape)

describe('the past of a decision', () => {
  test('has the reports until then, and who had ended or waited', () => {
    expect(at(decided(3, 2, 30, 'stop'))).toEqual(['complete 3', 'running 2', 'paused 1', 'running 2'])
  })

  test('leaves out what came in the same millisecond, where asked to', () => {
    expect(at(decided(3, 2, 30, 'stop'), false)).toEqual(['running 2', 'running 2', 'paused 1', 'running 2'])
  })

  test('has the promoted trial waiting', () => {
    expect(at(promote)).toEqual(['complete 3', 'running 2', 'paused 1', 'running 2'])
  })

  test('has trials that began later without a report', () => {
    expect(at(decided(0, 1, 10, 'keep'))).toEqual(['running 1', 'running 1', 'running 0', 'running 0'])
  })

  test('has trials running that had made their last report, and had not ended', () => {
    const device = { kind: 'cpu', index: 0, threads: 1 } as const
    const attempted = (startedAt: number, endedAt: number | null) => ({ device, host: '', startedAt, endedAt, how: null, why: null }) // prettier-ignore
    const attempts = (trial: number) => [[attempted(5, 35)], [], [attempted(14, 25), attempted(40, 50)], []][trial]!
    const then = (time: number) =>
      pastOf(history, [pause, promote], decided(3, 2, time, 'stop'), { withTies: true, attempts }).trials.map(shape)
    expect(then(32)).toEqual(['running 3', 'running 2', 'paused 1', 'running 2'])
    expect(then(35)).toEqual(['complete 3', 'running 2', 'paused 1', 'running 2'])
    expect(then(20)).toEqual(['running 2', 'running 2', 'running 1', 'running 2'])
  })
})
