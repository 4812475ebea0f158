import * as fc from 'fast-check'
import type { Category, Segment } from '../../src/data/image_set.ts'
import { UNDEFINED_CATEGORY } from '../../src/eval/segments.ts'
import type { IdRuns } from '../../src/data/png_runs.ts'
import { kernelOf, type KernelName } from '../../src/eval/kernel.ts'
import { labelRuns } from '../../src/eval/run_map.ts'
import { inOrder, scorePrediction, type ListedPrediction } from '../../src/eval/score_ids.ts'

/** One image for tests: both maps of segment ids and what is listed for them. */
export interface Pair {
  readonly width: number
  readonly height: number
  readonly truthIds: readonly number[]
  readonly truth: readonly Segment[]
  readonly predictionIds: readonly number[]
  readonly prediction: readonly ListedPrediction[]
}

export const categories: readonly Category[] = [
  { id: 10, name: 'cell', isThing: true },
  { id: 4, name: 'cup', isThing: true },
  { id: 30, name: 'sky', isThing: false },
]

export function score(pair: Pair, kernel?: KernelName) {
  const { width, height, truth: segments } = pair
  const truth = {
    imageId: 7,
    file: 'gt.png',
    segments,
    runs: labelRuns(idRuns(width, height, pair.truthIds), segments),
  }
  const map = idRuns(width, height, pair.predictionIds)
  const prediction = { map, segments: inOrder(pair.prediction), png: 'pred.png', json: 'pred.json' }
  return scorePrediction(truth, prediction, categories, kernelOf(kernel))
}

/** The runs of some pixels, one by one. */
export function idRuns(width: number, height: number, pixels: readonly number[]): IdRuns {
  const ends = pixels.flatMap((id, i) => (id === pixels[i + 1] ? [] : [i + 1]))
  return { width, height, ends: Uint32Array.from(ends), ids: Uint32Array.from(ends, (end) => pixels[end - 1]!) }
}

const TRUTH_IDS = [0, 1, 2, 3, 4, 9]
const PREDICTION_IDS = [0, 1, 5, 6, 7, 8]

/**
 * Small images with everything that the format allows: void, crowds, several of a category, a listed id 0, ground truth
 * that is not listed, listed without pixels, of an undefined category or with a wrong area. Predictions are mostly a
 * copy, so that IoUs lie around one half; now and then one is not listed, or is of an unknown category.
 */
export const anyPair: fc.Arbitrary<Pair> = fc
  .record({ width: fc.integer({ min: 1, max: 6 }), height: fc.integer({ min: 1, max: 6 }) })
  .chain(({ width, height }) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      truthIds: pixels(width * height, TRUTH_IDS.length),
      noise: pixels(width * height, PREDICTION_IDS.length),
      isNoisy: fc.array(fc.nat(3), { minLength: width * height, maxLength: width * height }),
      listed: fc.shuffledSubarray(TRUTH_IDS, { minLength: 3 }),
      kinds: fc.array(fc.record({ category: fc.nat(5), isCrowd: fc.nat(4), area: fc.nat(60) }), { minLength: 6, maxLength: 6 }), // prettier-ignore
      predicted: fc.array(fc.nat(40), { minLength: 6, maxLength: 6 }),
      order: fc.shuffledSubarray(PREDICTION_IDS, { minLength: 6 }),
      listsVoid: fc.nat(8).map((n) => n === 0),
      flaw: fc.nat(24),
    }),
  )
  .map(({ width, height, truthIds: places, noise, isNoisy, listed, kinds, predicted, order, listsVoid, flaw }) => {
    const truthIds = places.map((place) => TRUTH_IDS[place]!)
    const truth = listed
      .filter((id) => id !== 0 || listsVoid)
      .map((id, i) => {
        const { category, isCrowd, area } = kinds[i]!
        const pixels = truthIds.filter((other) => other === id).length
        return { id, category: CATEGORIES[category]!, isCrowd: isCrowd === 0, area: area < 15 ? area : pixels }
      })
    const predictionIds = places.map((place, i) => PREDICTION_IDS[isNoisy[i] === 0 ? noise[i]! : place]!)
    const prediction = order
      .filter((id) => (predictionIds.includes(id) || flaw === 1) && (id !== 0 || listsVoid))
      .map((id) => ({ id, categoryId: categoryOf(id, truth, predicted[PREDICTION_IDS.indexOf(id)]!) }))
    return { width, height, truthIds, truth, predictionIds, prediction: flaw === 2 ? prediction.slice(1) : prediction }
  })

/** Mostly few: with more, hardly a pair would match. */
const CATEGORIES = [0, 0, 0, 1, 2, UNDEFINED_CATEGORY]

/** The category of the ground truth at the same place, another known one, or rarely one that does not exist. */
function categoryOf(id: number, truth: readonly Segment[], chance: number): number {
  const twin = truth.find((segment) => segment.id === TRUTH_IDS[PREDICTION_IDS.indexOf(id)])
  if (chance === 0) return 99
  const index = chance < 30 && twin && twin.category >= 0 ? twin.category : chance % 3
  return categories[index]!.id
}

function pixels(length: number, ids: number): fc.Arbitrary<number[]> {
  return fc.array(fc.nat(ids - 1), { minLength: length, maxLength: length })
}
