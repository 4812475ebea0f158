import { encodeSpace, spaceDims } from '../space.ts'
import type { History, Outcome, Report, Trial } from '../trial.ts'
import { spaceOf } from './space_of.ts'
import type { Start, StudyRecord } from './store.ts'

/**
 * The trials of one study in memory. It works out what a call makes of a trial, and refuses what no driver may ask for;
 * `put` alone changes it, so that a store can write in between and a failed write leaves both as they were.
 */
export interface Ledger {
  history(): History
  /** The trial as it starts; `number` is the new one's, or that of an interrupted or paused one to go on with. */
  started(number: number, start: Start): Trial
  reported(number: number, report: Report): Trial
  finished(number: number, outcome: Exclude<Outcome, { state: 'running' }>): Trial
  put(trial: Trial): Trial
}

export function createLedger(record: StudyRecord, stored: readonly Trial[]): Ledger {
  const space = spaceOf(record.space)
  const dims = spaceDims(space)
  const trials = new Map(stored.map((trial) => [trial.number, trial]))
  let history: History | undefined

  const running = (number: number): Trial => {
    const trial = trials.get(number)
    if (trial?.outcome.state !== 'running') throw new Error(`trial ${number} is not running`)
    return trial
  }
  return {
    history: () => {
      history ??= {
        dims,
        goals: record.goals,
        constraints: record.constraints,
        trials: [...trials.values()].toSorted((a, b) => a.number - b.number),
      }
      return history
    },
    started: (number, { params, seed, device, reason }) => {
      const earlier = trials.get(number)
      if (earlier && !mayGoOn(earlier)) throw new Error(`trial ${number} cannot start: it is ${earlier.outcome.state}`)
      return {
        number,
        point: encodeSpace(space, params),
        params,
        seed,
        device,
        reason,
        reports: earlier?.reports ?? [],
        outcome: { state: 'running' },
      }
    },
    reported: (number, report) => {
      const trial = running(number)
      if (report.step !== trial.reports.length + 1)
        throw new Error(`trial ${number}: report ${report.step} after ${trial.reports.length}`)
      return { ...trial, reports: [...trial.reports, report] }
    },
    finished: (number, outcome) => {
      const trial = trials.get(number)
      const isGivenUp = trial?.outcome.state === 'paused' && outcome.state === 'pruned'
      return { ...(isGivenUp ? trial : running(number)), outcome }
    },
    put: (trial) => {
      trials.set(trial.number, trial)
      history = undefined
      return trial
    },
  }
}

function mayGoOn({ outcome: { state } }: Trial): boolean {
  return state === 'interrupted' || state === 'paused'
}

/** The trial as whoever continues a study finds it: one that was running when its driver died is interrupted. */
export function afterDriver(trial: Trial): Trial {
  return trial.outcome.state === 'running' ? { ...trial, outcome: { state: 'interrupted' } } : trial
}
