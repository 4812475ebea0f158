import type { Point } from '../space.ts'
import { isPlaced, type History, type Trial } from '../trial.ts'

/** Which points the trials of a history are at. */
export interface Tried {
  has(point: Point): boolean
  /** Trials that lie outside the space. */
  readonly unplaced: number
}

interface Index {
  trials: readonly Trial[]
  readonly points: Map<string, number>
  unplaced: number
}

/** By whoever asks: the index of the last history that it asked about. */
const indices = new WeakMap<object, Index>()

/**
 * The points of a history, worked out from those of the last history that `owner` asked about and the trials that changed
 * since: a study asks before each of very many trials.
 */
export function triedIn({ dims, trials }: Pick<History, 'dims' | 'trials'>, owner: object): Tried {
  const index = indices.get(owner) ?? { trials: [], points: new Map<string, number>(), unplaced: 0 }
  const add = (trial: Trial | undefined, times: 1 | -1) => {
    if (!trial) return
    if (!isPlaced({ dims }, trial)) return void (index.unplaced += times)
    const key = keyOf(trial.point)
    index.points.set(key, (index.points.get(key) ?? 0) + times)
  }
  const before = index.trials
  const both = Math.min(trials.length, before.length)
  for (let i = 0; i < both; i++) {
    if (trials[i] === before[i]) continue
    add(before[i], -1)
    add(trials[i], 1)
  }
  for (const trial of before.slice(both)) add(trial, -1)
  for (const trial of trials.slice(both)) add(trial, 1)
  index.trials = trials.slice()
  indices.set(owner, index)
  const { points, unplaced } = index
  return { has: (point) => (points.get(keyOf(point)) ?? 0) > 0, unplaced }
}

/** Points of the same params are the same to the last bit, as numbers are in their shortest text. */
function keyOf(point: Point): string {
  return point.join()
}
