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
  readonly points: Map<number, number>
  unplaced: number
}

/** By whoever asks: the index of the last history that it asked about. */
const indices = new WeakMap<object, Index>()

/**
 * The points of a history, worked out from those of the last history that `owner` asked about and the trials that changed
 * since: a study asks before each of very many trials.
 */
export function triedIn({ dims, trials }: Pick<History, 'dims' | 'trials'>, owner: object): Tried {
  const index = indices.get(owner) ?? { trials: [], points: new Map<number, number>(), unplaced: 0 }
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

/**
 * A hash of 53 bits, for the text of very many points takes more memory than the points: two of 50,000 have the same in one
 * of 10 million studies, and one of them is then taken for a repetition.
 */
function keyOf(point: Point): number {
  let high = 0x2545f491
  let low = 0x9e3779b9
  // By index: the points of a whole study are hashed when it is opened, before this is compiled.
  for (let d = 0; d < point.length; d++) {
    const x = point[d]!
    // -0 is 0, and NaN has many bit patterns.
    number[0] = Number.isNaN(x) ? Infinity : x + 0
    high = mixed(high ^ words[0]! ^ Math.imul(words[1]!, 0x9e3779b1))
    low = mixed(low ^ words[1]! ^ Math.imul(words[0]!, 0xc2b2ae35))
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11)
}

/** The last step of MurmurHash3: every bit in depends on half of the bits out. */
function mixed(word: number): number {
  let mix = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}

const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
