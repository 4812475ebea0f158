import type { Budget, Study } from '../study.ts'
import { best, BASELINE, countStates, errorOf, hasEnded, isPlaced, lossAt, violationAt } from '../trial.ts'
import type { Goal, History, Trial } from '../trial.ts'
import type { StudyEvent } from '../event.ts'

/** Why a run ends. */
export type Why = Extract<StudyEvent, { kind: 'study-ended' }>['why']

/** What decides whether a run goes on. */
export interface Progress {
  readonly study: Study
  readonly history: History
  /** Whether it was told to stop, or to start no more trials. */
  readonly isStopping: boolean
  /** Trials that this run has ended, in that order. */
  readonly endedNow: readonly Trial[]
  /** How long this run has taken so far. */
  readonly seconds: number
  /** How long the trials that run have had their devices since they last started, all together. */
  readonly runningSeconds: number
}

/** Trials that must fail alike at the start of a run for it to pause: something is wrong with all of them. */
const ALIKE = 5

/** Why a run starts no more trials, or undefined where it does. Those that run go on to their end. */
export function endOf(progress: Progress): Why | undefined {
  const { history, isStopping, endedNow, seconds } = progress
  const { budget } = progress.study
  const { complete, pruned, failed, running } = countStates(history.trials)
  const ended = complete + pruned + failed
  if (ended >= budget.trials) return 'budget'
  if (isStopping) return 'interrupted'
  if (failed >= (budget.failures ?? Infinity) || failAlike(endedNow)) return 'failures'
  if (isReached(budget, history)) return 'target'
  if (budget.patience !== undefined && trialsInVain(history) >= budget.patience) return 'settled'
  if (seconds >= 3600 * (budget.hours ?? Infinity)) return 'hours'
  if (budget.deviceHours !== undefined && deviceSeconds(progress) >= 3600 * budget.deviceHours) return 'device-hours'
  return ended + running >= budget.trials ? 'budget' : undefined
}

/** Why a run ended, in a sentence without its subject, which is the study. */
export function endText(why: Why, progress: Progress): string {
  const { history, endedNow } = progress
  const { budget } = progress.study
  const goal = history.goals[0]!
  switch (why) {
    case 'budget':
      return `spent its budget of ${count(budget.trials, 'trial')}`
    case 'exhausted':
      return 'the sampler has nothing left to try'
    case 'interrupted':
      return 'interrupted'
    case 'failures':
      return failuresText(budget, endedNow)
    case 'target':
      return `trial ${best(history)?.number} reached the target: ${goal.metric} ${budget.target}`
    case 'settled':
      return `${count(trialsInVain(history), 'trial')} in a row brought no improvement beyond the noise, ${noiseOf(history).text}`
    case 'hours':
      return `its ${count(budget.hours ?? 0, 'hour')} are over`
    case 'device-hours':
      return `its trials have used ${(deviceSeconds(progress) / 3600).toPrecision(3)} hours of their devices, of ${budget.deviceHours}`
  }
}

function failuresText(budget: Budget, endedNow: readonly Trial[]): string {
  const [first] = endedNow
  if (!failAlike(endedNow) || first?.outcome.state !== 'failed')
    return `stopped: ${budget.failures} trials failed, as many as budget.failures allows`
  return `paused: the first ${ALIKE} trials failed the same way: ${first.outcome.message}`
}

/** Whether a run's first trials all failed for the same reason, up to the numbers in it. */
function failAlike(endedNow: readonly Trial[]): boolean {
  const reasons = endedNow
    .slice(0, ALIKE)
    .map(({ outcome }) =>
      outcome.state === 'failed' ? `${outcome.code} ${outcome.message.replaceAll(/\d+/g, '#')}` : undefined,
    )
  return reasons.length === ALIKE && reasons[0] !== undefined && new Set(reasons).size === 1
}

/** Whether a result that keeps the constraints is as good as the target. */
function isReached({ target }: Budget, history: History): boolean {
  const leader = target === undefined ? undefined : best(history)
  if (!leader || violationAt(history, leader) > 0) return false
  const goal = history.goals[0]!
  return lossAt(goal, leader) <= (goal.direction === 'minimize' ? target! : -target!)
}

/** Trials since the last that was better by more than the noise than the best before it. */
function trialsInVain(history: History): number {
  const goal = history.goals[0]!
  const { noise } = noiseOf(history)
  let [least, since] = [Infinity, 0]
  for (const trial of history.trials.filter(hasEnded)) {
    const isResult = trial.outcome.state === 'complete' && violationAt(history, trial) === 0
    const loss = isResult ? lossAt(goal, trial) : Number.NaN
    if (loss < least - noise) [least, since] = [loss, 0]
    else since++
  }
  return since
}

/**
 * How far results of one configuration lie apart by chance: the standard deviation of the baseline's repeats or, where
 * there are none, the standard error that the best trial reported.
 */
function noiseOf(history: History): { readonly noise: number; readonly text: string } {
  const goal = history.goals[0]!
  const repeats = baselineLosses(history, goal)
  if (repeats.length > 1) {
    const noise = deviation(repeats)
    return { noise, text: `${show(noise)}, the standard deviation of ${repeats.length} runs of the baseline` }
  }
  const error = best(history)?.reports.at(-1)?.metrics[errorOf(goal.metric)] ?? Number.NaN
  if (error > 0) return { noise: error, text: `${show(error)}, the standard error of ${goal.metric}` }
  return { noise: 0, text: 'which is not known: nothing was repeated' }
}

function baselineLosses(history: History, goal: Goal): readonly number[] {
  const placed = history.trials.filter((trial) => isPlaced(history, trial))
  const [baseline] = placed
  if (baseline?.number !== BASELINE) return []
  const alike = placed.filter(
    ({ point, outcome }) => outcome.state === 'complete' && point.every((x, d) => Object.is(x, baseline.point[d])),
  )
  return alike.map((trial) => lossAt(goal, trial)).filter(Number.isFinite)
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

/** Seconds that trials have had a device to themselves. */
function deviceSeconds({ history, runningSeconds }: Progress): number {
  return history.trials.reduce((sum, { seconds = 0 }) => sum + seconds, runningSeconds)
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function show(value: number): string {
  return String(Number(value.toPrecision(2)))
}
