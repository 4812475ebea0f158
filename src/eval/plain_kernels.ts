import { splitRuns } from './split_runs.ts'

/**
 * The joint histogram of packed runs (`Kernel.joint`). Each step adds the pixels up to the nearer end of the two runs,
 * and moves on in each list whose run ends there: by adding a comparison, for a branch would be missed half the time.
 * Two places are walked at once, for a step waits for its own last one only.
 */
export function plainJoint(a: Uint32Array, b: Uint32Array, rows: number, columns: number): Uint32Array {
  const histogram = new Uint32Array(rows * columns)
  const split = splitRuns(a, b)
  const { reached, half, pixels } = split
  let [i, j, from, i2, j2, from2] = [0, 0, 0, split.i, split.j, half]
  while (from < reached && from2 < pixels) {
    const x = a[i]!
    const y = b[j]!
    const xEnd = x >>> 8
    const yEnd = y >>> 8
    const ahead = (xEnd - yEnd) >> 31
    const end = yEnd + ((xEnd - yEnd) & ahead)
    histogram[(x & 0xff) * columns + (y & 0xff)]! += end - from
    from = end
    i += 1 + ((yEnd - xEnd) >> 31)
    j += 1 + ahead
    const x2 = a[i2]!
    const y2 = b[j2]!
    const xEnd2 = x2 >>> 8
    const yEnd2 = y2 >>> 8
    const ahead2 = (xEnd2 - yEnd2) >> 31
    const end2 = yEnd2 + ((xEnd2 - yEnd2) & ahead2)
    histogram[(x2 & 0xff) * columns + (y2 & 0xff)]! += end2 - from2
    from2 = end2
    i2 += 1 + ((yEnd2 - xEnd2) >> 31)
    j2 += 1 + ahead2
  }
  walk(a, b, columns, histogram, i, j, from, reached)
  walk(a, b, columns, histogram, i2, j2, from2, pixels)
  histogram[(a[split.i]! & 0xff) * columns + (b[split.j]! & 0xff)]! += half - reached
  return histogram
}

/** The rest of one half alone: from runs i and j at pixel `from`, to pixel `to`. */
function walk(
  a: Uint32Array,
  b: Uint32Array,
  columns: number,
  histogram: Uint32Array,
  i: number,
  j: number,
  from: number,
  to: number,
): void {
  // prettier-ignore
  while (from < to) {
    const x = a[i]!
    const y = b[j]!
    const xEnd = x >>> 8
    const yEnd = y >>> 8
    const ahead = (xEnd - yEnd) >> 31
    const end = yEnd + ((xEnd - yEnd) & ahead)
    histogram[(x & 0xff) * columns + (y & 0xff)]! += end - from
    from = end
    i += 1 + ((yEnd - xEnd) >> 31)
    j += 1 + ahead
  }
}

/** Packed runs of labels (`Kernel.pack`). Two pixels are compared at a time where they lie at an even place. */
export function plainPack(labels: Uint16Array, last: number): Uint32Array {
  const size = labels.length
  let runs = new Uint32Array(4096)
  let count = 0
  const isEven = labels.byteOffset % 4 === 0
  const pairs = isEven ? new Uint32Array(labels.buffer, labels.byteOffset, size >> 1) : undefined
  for (let i = 0; i < size;) {
    const label = labels[i]!
    i++
    if (pairs) {
      const both = label * 65_537
      if (i % 2 === 1 && i < size && labels[i] === label) i++
      if (i % 2 === 0) {
        let pair = i >> 1
        while (pairs[pair] === both) pair++
        i = 2 * pair
      }
    }
    while (i < size && labels[i] === label) i++
    if (count === runs.length) runs = grown(runs)
    runs[count++] = i * 256 + (label < last ? label : last)
  }
  return runs.slice(0, count)
}

function grown(runs: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * runs.length)
  larger.set(runs)
  return larger
}
