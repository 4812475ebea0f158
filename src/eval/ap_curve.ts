import type { Outcomes } from './ap_match.ts'

/** A precision-recall curve in two numbers, as fractions. */
export interface Curve {
  /** Mean over 101 recalls from 0 to 1 of the highest precision at that recall or beyond; 0 where it is not reached. */
  readonly precision: number
  /** The highest recall. */
  readonly recall: number
}

const RECALLS = 101

/** The curve of detections in the order of their scores at one IoU threshold, as `COCOeval.accumulate` samples it. */
export function curveOf(ranked: Uint32Array, { hits, misses }: Outcomes, threshold: number, positives: number): Curve {
  const bit = 1 << threshold
  // Precision after each hit: between two hits it only falls, and recall stays.
  const precisions: number[] = []
  let [tp, fp] = [0, 0]
  for (let i = 0; i < ranked.length; i++) {
    const d = ranked[i]!
    if (hits[d]! & bit) precisions.push(++tp / (fp + tp + Number.EPSILON))
    else if (misses[d]! & bit) fp++
  }
  for (let i = tp - 1; i > 0; i--) precisions[i - 1] = Math.max(precisions[i - 1]!, precisions[i]!)
  let [sum, hit] = [0, 0]
  for (let r = 0; r < RECALLS; r++) {
    // numpy's linspace(0, 1, 101), to the bit.
    const recall = r * 0.01
    while (hit < tp && (hit + 1) / positives < recall) hit++
    if (hit === tp) break
    sum += precisions[hit]!
  }
  return { precision: sum / RECALLS, recall: tp / positives }
}
