import { TuneError } from '../errors.ts'
import { encodeSpace, spaceDims } from '../space.ts'
import { countStates, knowStates } from '../trial.ts'
import type { Failure, History, Outcome, Report, StateCounts, Trial } from '../trial.ts'
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
  finished(number: number, outcome: Exclude<Outcome, { state: 'running' }>, seconds?: number): Trial
  put(trial: Trial): Trial
  /** Forgets a trial that another program has taken. */
  drop(number: number): void
}

export function createLedger(record: StudyRecord, stored: readonly Trial[]): Ledger {
  const space = spaceOf(record.space)
  const { goals, constraints, steps } = record
  const known = { dims: spaceDims(space), goals, constraints, ...(typeof steps === 'number' && { steps }) }
  // By number. A history is a copy of it, made when one is asked for: that is cheap, and a sort at each report is not.
  const trials = stored.toSorted((a, b) => a.number - b.number)
  const counts: StateCounts = { ...countStates(trials) }
  let history: History | undefined

  const find = (number: number): Trial | undefined => {
    const trial = trials[placeOf(trials, number)]
    return trial?.number === number ? trial : undefined
  }
  const running = (number: number): Trial => {
    const trial = find(number)
    if (trial?.outcome.state !== 'running') throw new Error(`trial ${number} is not running`)
    return trial
  }
  return {
    history: () => {
      if (history) return history
      history = { ...known, trials: trials.slice() }
      knowStates(history.trials, { ...counts })
      return history
    },
    started: (number, { params, derived, seed, device, reason, ...start }) => {
      const earlier = find(number)
      if (start.number !== undefined && !earlier) throw new TuneError('store/taken', `trial ${number} was taken by another program`) // prettier-ignore
      if (earlier && !mayGoOn(earlier)) throw new Error(`trial ${number} cannot start: it is ${earlier.outcome.state}`)
      const { from } = earlier ?? start
      return {
        number,
        point: earlier?.point ?? encodeSpace(space, params),
        params,
        ...(derived !== undefined && { derived }),
        seed,
        device,
        reason,
        ...(from !== undefined && { from }),
        reports: earlier?.reports ?? [],
        outcome: { state: 'running' },
        ...(earlier?.failures && { failures: earlier.failures }),
        ...(earlier?.seconds !== undefined && { seconds: earlier.seconds }),
      }
    },
    reported: (number, report) => {
      const trial = running(number)
      if (report.step !== trial.reports.length + 1)
        throw new Error(`trial ${number}: report ${report.step} after ${trial.reports.length}`)
      return { ...trial, reports: [...trial.reports, report] }
    },
    finished: (number, outcome, seconds) => {
      const trial = find(number)
      const isGivenUp = trial?.outcome.state === 'paused' && outcome.state === 'pruned'
      const ended = isGivenUp ? trial : running(number)
      return {
        ...ended,
        ...(outcome.state === 'interrupted' ? interruptedAfter(ended, outcome.after) : { outcome }),
        ...(seconds !== undefined && { seconds: (ended.seconds ?? 0) + seconds }),
      }
    },
    put: (trial) => {
      const place = placeOf(trials, trial.number)
      const before = trials[place]?.number === trial.number ? trials[place] : undefined
      if (before) counts[before.outcome.state]--
      counts[trial.outcome.state]++
      if (before) trials[place] = trial
      else trials.splice(place, 0, trial)
      history = undefined
      return trial
    },
    drop: (number) => {
      const [gone] = find(number) ? trials.splice(placeOf(trials, number), 1) : []
      if (gone) counts[gone.outcome.state]--
      history = undefined
    },
  }
}

function interruptedAfter({ failures = [] }: Trial, after: Failure | undefined): Pick<Trial, 'outcome' | 'failures'> {
  return { outcome: { state: 'interrupted' }, ...(after && { failures: [...failures, after] }) }
}

/** Where the trial of a number stands or, where there is none, would stand. */
function placeOf(trials: readonly Trial[], number: number): number {
  let [from, to] = [0, trials.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if (trials[middle]!.number < number) from = middle + 1
    else to = middle
  }
  return from
}

function mayGoOn({ outcome: { state } }: Trial): boolean {
  return state === 'interrupted' || state === 'paused'
}

/** The trial as whoever continues a study finds it: one that was running when its driver died is interrupted. */
export function afterDriver(trial: Trial): Trial {
  return trial.outcome.state === 'running' ? { ...trial, outcome: { state: 'interrupted' } } : trial
}
