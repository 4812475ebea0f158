import type { Point } from '../space.ts'
import { isPlaced, type History, type Trial } from '../trial.ts'

/** Which points the trials of a history are at. */
export interface Tried {
  has(point: Point): boolean
  /** Trials that lie outside the space. */
  readonly unplaced: number
}

interface Index {
  readonly trials: readonly Trial[]
  /** The keys of their points when it was made, in ascending order: there may be very many, and a Map is ten times as large. */
  readonly keys: Float64Array
  /** How many more trials are at a key since then, or fewer. */
  readonly changes: Map<number, number>
  readonly unplaced: number
}

/** Keys that change before all are sorted again. */
const MOST_CHANGES = 1000

/** By whoever asks: the index of the last history that it asked about. */
const indices = new WeakMap<object, Index>()

/**
 * The points of a history, worked out from those of the last history that `owner` asked about and the trials that changed
 * since: a study asks before each of very many trials.
 */
export function triedIn(history: Pick<History, 'dims' | 'trials'>, owner: object): Tried {
  const before = indices.get(owner)
  const index = (before && updated(before, history)) ?? indexOf(history)
  indices.set(owner, index)
  const { keys, changes, unplaced } = index
  const has = (point: Point) => {
    const key = keyOf(point)
    return placeOf(keys, key, true) - placeOf(keys, key, false) + (changes.get(key) ?? 0) > 0
  }
  return { has, unplaced }
}

function indexOf({ dims, trials }: Pick<History, 'dims' | 'trials'>): Index {
  const placed = trials.filter((trial) => isPlaced({ dims }, trial))
  const keys = new Float64Array(placed.length)
  for (let i = 0; i < placed.length; i++) keys[i] = keyOf(placed[i]!.point)
  return { trials: [...trials], keys: keys.toSorted(), changes: new Map(), unplaced: trials.length - placed.length }
}

/** The index of a history, made from the one before it; undefined where too much is new. */
function updated(index: Index, { dims, trials }: Pick<History, 'dims' | 'trials'>): Index | undefined {
  const { trials: before, changes } = index
  let unplaced = index.unplaced
  const add = (trial: Trial, times: 1 | -1) => {
    if (!isPlaced({ dims }, trial)) return void (unplaced += times)
    const key = keyOf(trial.point)
    const more = (changes.get(key) ?? 0) + times
    if (more === 0) changes.delete(key)
    else changes.set(key, more)
  }
  for (let i = 0; i < Math.max(trials.length, before.length); i++) {
    if (trials[i] === before[i]) continue
    if (i < before.length) add(before[i]!, -1)
    if (i < trials.length) add(trials[i]!, 1)
    if (changes.size > MOST_CHANGES) return undefined
  }
  return { ...index, trials: [...trials], unplaced }
}

/** How many of some ascending numbers are below another or, if so wanted, up to it. */
function placeOf(ascending: Float64Array, x: number, isWith: boolean): number {
  let from = 0
  let to = ascending.length
  while (from < to) {
    const middle = (from + to) >> 1
    if (ascending[middle]! < x || (isWith && ascending[middle] === x)) from = middle + 1
    else to = middle
  }
  return from
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
