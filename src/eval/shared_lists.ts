import { allocateShared } from '../data/shared_file.ts'

/** Lists of numbers, one after the other in memory that threads share: to send thousands of them takes longer. */
export interface SharedLists {
  readonly numbers: Float64Array
  /** Where each begins, and the last ends. */
  readonly bounds: Uint32Array
}

export function shareLists(lists: readonly (readonly number[])[]): SharedLists {
  const bounds = new Uint32Array(allocateShared(4 * (lists.length + 1)))
  for (const [i, { length }] of lists.entries()) bounds[i + 1] = bounds[i]! + length
  const numbers = new Float64Array(allocateShared(8 * bounds[lists.length]!))
  for (const [i, list] of lists.entries()) numbers.set(list, bounds[i])
  return { numbers, bounds }
}

/** A list cut into rows of so many numbers. */
export function rowsAt<T>(
  { numbers, bounds }: SharedLists,
  index: number,
  width: number,
  toRow: (row: Float64Array) => T,
) {
  const list = numbers.subarray(bounds[index], bounds[index + 1])
  return Array.from({ length: list.length / width }, (_, i) => toRow(list.subarray(i * width, (i + 1) * width)))
}
