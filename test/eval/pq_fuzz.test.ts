import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTuneError } from '../../src/errors.ts'
import type { KernelName } from '../../src/eval/kernel.ts'
import { emptyCounts, type Counts } from '../../src/eval/pq.ts'
import { anyPair, categories, score, type Pair } from './images.ts'

test('12,000 small images are counted to the last bit as a plain reading of panopticapi counts them, by both kernels', () => {
  const seen = { tp: 0, fp: 0, fn: 0, impossible: 0, refused: 0 }
  fc.assert(
    fc.property(anyPair, (pair) => {
      const expected = countNaively(pair)
      const counts = attempt(pair, 'plain')
      // Compared by hand: `toEqual` would take most of the time.
      expect(expected.some((candidate) => isSame(candidate, counts))).toBe(true)
      expect(isSame(attempt(pair, 'simd'), counts)).toBe(true)
      if (typeof counts === 'string') {
        seen.refused++
        return
      }
      for (const key of ['tp', 'fp', 'fn'] as const) seen[key] += counts[key].reduce((sum, n) => sum + n, 0)
      if (counts.iou.some((iou, i) => iou > counts.tp[i]!)) seen.impossible++
    }),
    { numRuns: 12_000, seed: 1 },
  )
  // The fuzz reaches what it is for: every kind of count, areas that give IoUs above 1, and refusals.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50)
})

/** The counts, or what the image was refused for. */
function attempt(pair: Pair, kernel: KernelName): Counts | string {
  try {
    return score(pair, kernel)
  } catch (error) {
    if (!isTuneError(error)) throw error
    if (error.message.includes('which the ground truth does not define')) return 'unknown category'
    return error.message.includes('is not listed') ? 'not listed' : 'no pixel'
  }
}

function isSame(a: Counts | string, b: Counts | string): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b
  return (['iou', 'tp', 'fp', 'fn'] as const).every((key) => a[key].every((value, i) => value === b[key][i]))
}

/** panopticapi's `pq_compute_single_core` line by line, pixel by pixel, without a thought to speed; or all it may be refused for. */
function countNaively({ truthIds, truth, predictionIds, prediction }: Pair): (Counts | string)[] {
  const counts = emptyCounts(categories)
  const both = (g: number, p: number) => truthIds.filter((id, i) => id === g && predictionIds[i] === p).length
  const areaOf = (p: number) => predictionIds.filter((id) => id === p).length

  const flaws: string[] = []
  for (const id of ascending(predictionIds)) {
    const segment = prediction.find((candidate) => candidate.id === id)
    if (!segment && id !== 0) flaws.push('not listed')
    if (segment && indexOf(segment.categoryId) < 0) flaws.push('unknown category')
  }
  if (prediction.some(({ id }) => !predictionIds.includes(id))) flaws.push('no pixel')
  if (flaws.length > 0) return flaws

  const truthMatched = new Set<number>()
  const predictionMatched = new Set<number>()
  for (const g of ascending(truthIds)) {
    for (const p of ascending(predictionIds)) {
      const a = truth.find(({ id }) => id === g)
      const b = prediction.find(({ id }) => id === p)
      if (!a || !b || a.isCrowd || a.category !== indexOf(b.categoryId) || both(g, p) === 0) continue
      const iou = both(g, p) / (areaOf(p) + a.area - both(g, p) - both(0, p))
      if (iou > 0.5) {
        counts.tp[a.category]! += 1
        counts.iou[a.category]! += iou
        truthMatched.add(g)
        predictionMatched.add(p)
      }
    }
  }

  const crowdOf: Record<number, number> = {}
  for (const { id, category, isCrowd } of truth) {
    if (truthMatched.has(id)) continue
    if (isCrowd) crowdOf[category] = id
    else if (category >= 0) counts.fn[category]! += 1
  }

  for (const { id, categoryId } of prediction) {
    if (predictionMatched.has(id)) continue
    const crowd = crowdOf[indexOf(categoryId)]
    const excused = both(0, id) + (crowd === undefined ? 0 : both(crowd, id))
    if (excused / areaOf(id) > 0.5) continue
    counts.fp[indexOf(categoryId)]! += 1
  }
  return [counts]
}

function indexOf(categoryId: number): number {
  return categories.findIndex(({ id }) => id === categoryId)
}

function ascending(ids: readonly number[]): readonly number[] {
  return [...new Set(ids)].toSorted((a, b) => a - b)
}
