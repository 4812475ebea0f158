import type { Category } from '../data/image_set.ts'
import type { ClassSums } from './resample.ts'

export const SPLITS = ['All', 'Things', 'Stuff'] as const
export const SCORES = ['pq', 'sq', 'rq'] as const

/** Something for PQ, SQ and RQ of all classes, of things and of stuff; null where none of those classes occurs. */
export type ByScore<T> = Readonly<Record<(typeof SPLITS)[number], Readonly<Record<(typeof SCORES)[number], T | null>>>>

/** How many numbers `qualities` gives: each score of each split. */
export const QUALITIES = SPLITS.length * SCORES.length

/**
 * PQ, SQ and RQ of all classes, of things and of stuff, in this order, as fractions; NaN where no class of a split
 * occurs. A class that a resample leaves empty leaves the mean, as in panopticapi.
 */
export function qualities(
  { iou, tp, segments }: ClassSums,
  categories: readonly Kind[],
  into: Float64Array,
): Float64Array {
  into.fill(0)
  let [things, stuff] = [0, 0]
  for (let c = 0; c < segments.length; c++) {
    const all = segments[c]!
    if (all === 0) continue
    const matched = tp[c]!
    const sum = iou[c]!
    const at = categories[c]!.isThing ? 3 : 6
    if (at === 3) things++
    else stuff++
    into[at]! += sum / all
    into[at + 1]! += matched === 0 ? 0 : sum / matched
    into[at + 2]! += matched / all
  }
  for (let score = 0; score < 3; score++) {
    into[score] = (into[3 + score]! + into[6 + score]!) / (things + stuff)
    into[3 + score]! /= things
    into[6 + score]! /= stuff
  }
  return into
}

/** Something made of each of the numbers of `qualities`. */
export function byScore<T>(make: (index: number) => T | null): ByScore<T> {
  const split = (at: number) => ({ pq: make(at), sq: make(at + 1), rq: make(at + 2) })
  return { All: split(0), Things: split(3), Stuff: split(6) }
}

type Kind = Pick<Category, 'isThing'>
