import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Counts } from './pq.ts'

/** Keeps the counts of each image, so that two results can be compared later without scoring again. Written by rename. */
export function saveCounts(file: string, images: readonly Counts[]): void {
  const plain = images.map(({ iou, tp, fp, fn }) => ({ iou: [...iou], tp: [...tp], fp: [...fp], fn: [...fn] }))
  writeFileSync(`${file}.part`, JSON.stringify(plain))
  renameSync(`${file}.part`, file)
}

/** What `saveCounts` kept; undefined where it kept nothing. */
export function loadCounts(file: string): readonly Counts[] | undefined {
  try {
    const plain: Record<keyof Counts, number[]>[] = JSON.parse(readFileSync(file, 'utf8'))
    return plain.map(({ iou, tp, fp, fn }) => ({
      iou: Float64Array.from(iou),
      tp: Float64Array.from(tp),
      fp: Float64Array.from(fp),
      fn: Float64Array.from(fn),
    }))
  } catch {
    // A comparison is an extra: a file that is missing or cut short leaves it out.
    return undefined
  }
}
