import { lossAt, type History, type Trial } from '../trial.ts'
import { placeOf } from './ranking.ts'

/** A trial among others: the number of its front, from 0, and how far its neighbours there are. */
export interface Ranked {
  readonly trial: Trial
  readonly front: number
  readonly distance: number
}

interface Scored {
  readonly trial: Trial
  readonly place: number
  readonly losses: readonly number[]
}

/**
 * Trials, the best first, as NSGA-II sorts them: those that no other dominates, then those that only these dominate, and
 * so on; within a front, those with the most room around them first. By constrained domination, a trial dominates all
 * that stand behind it in the order of `rank` for another reason than its losses. Deb et al. 2002, sections III and VI.
 */
export function inFronts(trials: readonly Trial[], history: History): readonly Ranked[] {
  let left = trials.map((trial) => scored(trial, history))
  const ranked: Ranked[] = []
  for (let front = 0; left.length > 0; front++) {
    const best = left.filter((a) => !left.some((b) => dominates(b, a)))
    const distances = crowding(best.map(({ losses }) => losses))
    const members = best.map(({ trial }, i) => ({ trial, front, distance: distances[i]! }))
    ranked.push(...members.toSorted((a, b) => b.distance - a.distance || a.trial.number - b.trial.number))
    const gone = new Set(best)
    left = left.filter((other) => !gone.has(other))
  }
  return ranked
}

function scored(trial: Trial, history: History): Scored {
  const losses = history.goals.map((goal) => lossAt(goal, trial))
  const place = losses.some(Number.isNaN) ? Infinity : placeOf(history, history.goals[0]!, trial)
  return { trial, place, losses: place === Infinity ? losses.map(() => 0) : losses }
}

function dominates(a: Scored, b: Scored): boolean {
  if (a.place !== b.place) return a.place < b.place
  return a.losses.every((loss, i) => loss <= b.losses[i]!) && a.losses.some((loss, i) => loss < b.losses[i]!)
}

/** For each of some losses of several goals, the sides of the box between its neighbours; Infinity at the ends. */
function crowding(losses: readonly (readonly number[])[]): Float64Array {
  const distances = new Float64Array(losses.length)
  for (let goal = 0; goal < (losses[0]?.length ?? 0); goal++) {
    const order = losses.map((_, i) => i).toSorted((i, j) => losses[i]![goal]! - losses[j]![goal]! || i - j)
    const at = (place: number) => losses[order[place]!]![goal]!
    const range = at(order.length - 1) - at(0)
    distances[order[0]!] = Infinity
    distances[order.at(-1)!] = Infinity
    if (!(range > 0 && range < Infinity)) continue
    for (let i = 1; i < order.length - 1; i++) distances[order[i]!]! += (at(i + 1) - at(i - 1)) / range
  }
  return distances
}
