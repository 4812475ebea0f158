import { isTuneError } from '../errors.ts'
import type { Finding } from './finding.ts'
import { idAreas, openPairs, type OpenPair, type OpenPairs } from './open_pairs.ts'
import type { PanopticFiles } from './panoptic_files.ts'

/**
 * The commonest mistake of exporters: predicted category ids that are off by one, or that count the classes from 0 or 1
 * where the data set's own ids are wanted. Segments that overlap show it, for they mostly are of one class. Undefined
 * where the ids fit as they are, or no such rule would mend them.
 */
export function categoryMismatch({ truth, pairs }: OpenPairs, file: string): Finding | undefined {
  const twins = pairs.flatMap((pair) => overlapping(pair()))
  const ids = truth.categories.map(({ id }) => id)
  const agreeing = (mend: (id: number) => number | undefined) =>
    twins.filter(({ predicted, category }) => mend(predicted) === category).length
  const now = agreeing((id) => id)
  const [best] = mendings(ids)
    .map(([what, mend]) => ({ what, mend, agree: agreeing(mend) }))
    .toSorted((a, b) => b.agree - a.agree)
  // Twice as many and most of them: a network that mixes up two classes is not a mistake of numbers.
  if (!best || best.agree < 2 || best.agree <= 2 * now || best.agree < twins.length / 2) return undefined
  const { mend } = best
  const shown = twins.find(({ predicted, category }) => predicted !== category && mend(predicted) === category)!
  const message = `of ${twins.length} predicted segments that overlap one of the ground truth ${now} have its category; ${best.agree} would if ${best.what}: segment ${shown.segment} has category ${shown.predicted}, and the segment ${shown.truthSegment} that it lies on has ${shown.category}`
  return { kind: 'categories', file, image: shown.imageId, message }
}

/** Images that are enough to see a mistake of ids. */
const ENOUGH = 200

/** `categoryMismatch` over the first images of some files, to explain a low score; damaged files explain nothing. */
export function explainCategories(files: PanopticFiles): Finding | undefined {
  return explain(files, () => true)
}

/** The same to explain an error: undefined, without a look at a pixel, where the ground truth defines all predicted ids. */
export function explainUnknown(files: PanopticFiles): Finding | undefined {
  return explain(files, ({ truth, prediction }) => {
    const defined = new Set(truth.categories.map(({ id }) => id))
    return prediction.annotations.some(({ segments }) => segments.some(({ categoryId }) => !defined.has(categoryId)))
  })
}

function explain(files: PanopticFiles, isWorthIt: (open: OpenPairs) => boolean): Finding | undefined {
  try {
    const open = openPairs(files)
    const pairs = open.pairs.slice(0, ENOUGH)
    return isWorthIt(open) ? categoryMismatch({ ...open, pairs }, files.predictionJson) : undefined
  } catch (error) {
    if (isTuneError(error)) return undefined
    throw error
  }
}

/** What may have happened to ids, and how it is undone; the data set's own words first. */
function mendings(ids: readonly number[]): readonly (readonly [string, (id: number) => number | undefined])[] {
  return [
    ['each predicted category id were 1 higher (they are shifted by one)', (id) => id + 1],
    ['each predicted category id were 1 lower (they are shifted by one)', (id) => id - 1],
    [`they were contiguous ids, counting the ${ids.length} categories of the ground truth from 0`, (id) => ids[id]],
    [`they were contiguous ids, counting the ${ids.length} categories of the ground truth from 1`, (id) => ids[id - 1]],
  ]
}

interface Twins {
  readonly imageId: number | string
  readonly segment: number
  readonly predicted: number
  readonly truthSegment: number
  readonly category: number
}

/** Pairs of segments whose IoU is above one half, whatever their categories: each has at most one such partner. */
function overlapping({ imageId, truth, prediction }: OpenPair): readonly Twins[] {
  const [a, b] = [truth.map, prediction.map]
  if (a.width !== b.width || a.height !== b.height) return []
  const shared = new Map<number, number>()
  for (let from = 0, to = 0; from < a.ids.length; from = to) {
    const [g, p] = [a.ids[from]!, b.ids[from]!]
    while (to < a.ids.length && a.ids[to] === g && b.ids[to] === p) to++
    const key = g * 2 ** 24 + p
    shared.set(key, (shared.get(key) ?? 0) + to - from)
  }
  const [truthAreas, areas] = [idAreas(a), idAreas(b)]
  const categoryOf = (side: OpenPair['truth']) => new Map(side.segments.map(({ id, categoryId }) => [id, categoryId]))
  const [categories, predictedCategories] = [categoryOf(truth), categoryOf(prediction)]
  return [...shared].flatMap(([key, pixels]) => {
    const [truthSegment, segment] = [Math.floor(key / 2 ** 24), key % 2 ** 24]
    const [category, predicted] = [categories.get(truthSegment), predictedCategories.get(segment)]
    if (category === undefined || predicted === undefined) return []
    const iou = pixels / (truthAreas.get(truthSegment)! + areas.get(segment)! - pixels)
    return iou > 0.5 ? [{ imageId, segment, predicted, truthSegment, category }] : []
  })
}
