import type { Dim } from '../space.ts'
import { hasEnded, lossAt, violationAt, type Goal, type History, type Trial } from '../trial.ts'

/** The trials of a history as a sampler wants them. */
export interface Ranking {
  /** Trials that have ended or are paused, the most promising first. */
  readonly ended: readonly Trial[]
  /** Trials whose result is not known yet: running, or interrupted and to be run again. */
  readonly pending: readonly Trial[]
}

/**
 * The one order of trials in search, by the first goal: complete ones by loss, then pruned and paused ones, those that
 * came further first, then complete ones that break constraints, those that break them least first, then the failed. A
 * NaN loss is no result: such a trial stands with the failed. Equal ones keep the order of their numbers.
 */
export function rank(history: History): Ranking {
  const known = latest.get(history.dims)
  const isKnown = known && known.goal === history.goals[0] && known.constraints === history.constraints
  const ranking = (isKnown && updated(known, history)) || ranked(history)
  const trials = [...history.trials]
  latest.set(history.dims, { trials, goal: history.goals[0], constraints: history.constraints, ranking })
  return ranking
}

/** The last ranking of each study, for which its dimensions stand: one trial more leaves most of it as it was. */
const latest = new WeakMap<readonly Dim[], Known>()

interface Known {
  readonly trials: readonly Trial[]
  readonly goal: Goal | undefined
  readonly constraints: History['constraints']
  readonly ranking: Ranking
}

/** Changed trials from which on it is quicker to sort all. */
const MOST_CHANGED = 32

function ranked(history: History): Ranking {
  const shown = history.trials.filter(hasShown)
  const keyOf = keysOf(history)
  // In columns, for an object a trial would take longer, and as much memory as the trial.
  const [places, losses] = [new Float64Array(shown.length), new Float64Array(shown.length)]
  for (let i = 0; i < shown.length; i++) ({ place: places[i], loss: losses[i] } = keyOf(shown[i]!))
  const order = Uint32Array.from(shown.keys()).toSorted(
    (a, b) => compare(places[a]!, losses[a]!, places[b]!, losses[b]!) || shown[a]!.number - shown[b]!.number || a - b,
  )
  return {
    ended: Array.from(order, (i) => shown[i]!),
    pending: history.trials.filter((trial) => !hasShown(trial)),
  }
}

/** The ranking of a history, made from the one before it; undefined where too much is new. */
function updated({ trials: before, ranking }: Known, history: History): Ranking | undefined {
  const { trials } = history
  const [changed, gone]: [Trial[], Set<Trial>] = [[], new Set()]
  for (let i = 0; i < Math.max(trials.length, before.length); i++) {
    if (trials[i] === before[i]) continue
    if (i < trials.length) changed.push(trials[i]!)
    if (i < before.length) gone.add(before[i]!)
    if (changed.length + gone.size > MOST_CHANGED) return undefined
  }
  const order = orderOf(history)
  const pending = ranking.pending.filter((trial) => !gone.has(trial))
  return {
    ended: changed.filter(hasShown).reduce((sorted, trial) => inserted(sorted, trial, order), without(ranking.ended, gone)), // prettier-ignore
    pending: [...pending, ...changed.filter((trial) => !hasShown(trial))].toSorted((a, b) => a.number - b.number),
  }
}

/** Trials that have shown something but those that are gone, of which there hardly are such. */
function without(ended: readonly Trial[], gone: ReadonlySet<Trial>): readonly Trial[] {
  return [...gone].some(hasShown) ? ended.filter((trial) => !gone.has(trial)) : ended
}

function inserted(sorted: readonly Trial[], trial: Trial, order: (a: Trial, b: Trial) => number): readonly Trial[] {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (order(sorted[middle]!, trial) < 0) from = middle + 1
    else to = middle
  }
  return sorted.toSpliced(from, 0, trial)
}

/** The order of `rank`: below 0 where a trial is more promising than another. */
export function orderOf(history: History): (a: Trial, b: Trial) => number {
  const keyOf = keysOf(history)
  return (a, b) => {
    const [one, other] = [keyOf(a), keyOf(b)]
    return compare(one.place, one.loss, other.place, other.loss) || a.number - b.number
  }
}

/** What a trial is ordered by, before its number. */
interface Key {
  readonly place: number
  readonly loss: number
}

function keysOf(history: History): (trial: Trial) => Key {
  const goal = history.goals[0]
  if (!goal) throw new Error('a history has a goal')
  return (trial) => ({ place: placeOf(history, goal, trial), loss: lossAt(goal, trial) })
}

/** By comparisons alone: the difference of two infinite numbers is NaN, which is no order. */
function compare(place: number, loss: number, otherPlace: number, otherLoss: number): number {
  if (place !== otherPlace) return place < otherPlace ? -1 : 1
  // Without a result, a loss says nothing.
  if (place === Infinity || loss === otherLoss) return 0
  return loss < otherLoss ? -1 : 1
}

/** A paused trial has shown as much as a pruned one, and most of them get no further. */
export function hasShown(trial: Trial): boolean {
  return hasEnded(trial) || trial.outcome.state === 'paused'
}

/** The loss of a report, a NaN taken for the worst there is: the one policy of all pruners. */
export function worstIfNaN(loss: number): number {
  return Number.isNaN(loss) ? Infinity : loss
}

/** Lower is better: -Infinity for a result, minus its steps for a pruned trial, its violation, Infinity for no result. */
export function placeOf(history: History, goal: Goal, trial: Trial): number {
  const { state } = trial.outcome
  if (state === 'failed' || Number.isNaN(lossAt(goal, trial))) return Infinity
  if (state === 'pruned' || state === 'paused') return -(trial.reports.at(-1)?.step ?? 0)
  return violationAt(history, trial) || -Infinity
}
