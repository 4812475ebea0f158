import { allocateShared } from '../data/shared_file.ts'

/** Lists of numbers, one after the other in memory that threads share: to send thousands of them takes longer. */
export interface SharedLists {
  readonly numbers: Float64Array
  /** Where each begins, and the last ends. */
  readonly bounds: Uint32Array
}

/** Lists of rows of so many numbers. */
export function shareRows<T>(
  lists: readonly (readonly T[])[],
  width: number,
  write: (row: T, numbers: Float64Array, at: number) => void,
): SharedLists {
  const bounds = new Uint32Array(allocateShared(4 * (lists.length + 1)))
  for (const [i, { length }] of lists.entries()) bounds[i + 1] = bounds[i]! + width * length
  const numbers = new Float64Array(allocateShared(8 * bounds[lists.length]!))
  let at = 0
  for (const list of lists) {
    for (const row of list) {
      write(row, numbers, at)
      at += width
    }
  }
  return { numbers, bounds }
}

/** The rows of a list. */
export function rowsAt<T>(
  { numbers, bounds }: SharedLists,
  index: number,
  width: number,
  read: (numbers: Float64Array, at: number) => T,
): readonly T[] {
  const [from, to] = [bounds[index]!, bounds[index + 1]!]
  return Array.from({ length: (to - from) / width }, (_, i) => read(numbers, from + i * width))
}
