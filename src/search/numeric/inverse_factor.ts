/**
 * The inverse of a covariance matrix's Cholesky factor: the lower triangular W with W K W' = 1. Its rows follow each
 * other in `cells`, row i being i + 1 numbers from i (i + 1) / 2 on. It whitens: W k is a vector of independent unit
 * variances. A row depends on the rows above it alone, so that it grows by a row at a time, to the same bits as anew.
 */
export interface InverseFactor {
  readonly size: number
  readonly cells: Float64Array
}

export function emptyFactor(capacity: number): Float64Array {
  return new Float64Array((capacity * (capacity + 1)) / 2)
}

export function rowStart(i: number): number {
  return (i * (i + 1)) / 2
}

/**
 * Writes row i of W, for the covariances `k` of what row i stands for with those above, and its variance. `least` is a
 * variance that it is known to have given the others: rounding never takes it below. Leaves in `k` the row of the
 * Cholesky factor itself, and returns that row's diagonal.
 */
export function writeRow(cells: Float64Array, i: number, k: Float64Array, variance: number, least: number): number {
  whiten(cells, i, k, k)
  let left = variance
  for (let j = 0; j < i; j++) left -= k[j]! * k[j]!
  const diagonal = Math.sqrt(Math.max(left, least))
  const row = cells.subarray(rowStart(i), rowStart(i + 1))
  unwhiten(cells, i, k, row)
  for (let j = 0; j < i; j++) row[j]! /= -diagonal
  row[i] = 1 / diagonal
  return diagonal
}

/**
 * W k for the first `count` rows. `into` may be `k` itself. Four rows at once, from the last up, for a row reads only
 * what stands before its own place; each sum is in the order of its places, so that the bits do not depend on the rest.
 */
export function whiten(cells: Float64Array, count: number, k: Float64Array, into: Float64Array): void {
  let i = count - 4
  for (; i >= 0; i -= 4) {
    const r0 = rowStart(i)
    const r1 = rowStart(i + 1)
    const r2 = rowStart(i + 2)
    const r3 = rowStart(i + 3)
    let s0 = 0
    let s1 = 0
    let s2 = 0
    let s3 = 0
    for (let j = 0; j <= i; j++) {
      const x = k[j]!
      s0 += cells[r0 + j]! * x
      s1 += cells[r1 + j]! * x
      s2 += cells[r2 + j]! * x
      s3 += cells[r3 + j]! * x
    }
    into[i + 3] = s3 + cells[r3 + i + 1]! * k[i + 1]! + cells[r3 + i + 2]! * k[i + 2]! + cells[r3 + i + 3]! * k[i + 3]!
    into[i + 2] = s2 + cells[r2 + i + 1]! * k[i + 1]! + cells[r2 + i + 2]! * k[i + 2]!
    into[i + 1] = s1 + cells[r1 + i + 1]! * k[i + 1]!
    into[i] = s0
  }
  for (i += 3; i >= 0; i--) {
    let sum = 0
    for (let j = 0, r = rowStart(i); j <= i; j++) sum += cells[r + j]! * k[j]!
    into[i] = sum
  }
}

/** W' q for the first `count` rows. */
export function unwhiten(cells: Float64Array, count: number, q: Float64Array, into: Float64Array): void {
  into.fill(0, 0, count)
  addRows(cells, 0, count, count, (i) => q[i]!, into, 0)
}

/** The lower triangle of W' W, the inverse of K, laid out as W is. */
export function inverseOf({ size, cells }: InverseFactor): Float64Array {
  const inverse = new Float64Array(cells.length)
  for (let i = 0; i < size; i++) addRows(cells, i, size, i + 1, (m) => cells[rowStart(m) + i]!, inverse, rowStart(i))
  return inverse
}

/** Adds rows from..to, each times a number, over their first `most` places, to what stands from `at` on. */
function addRows(
  cells: Float64Array,
  from: number,
  to: number,
  most: number,
  factor: (row: number) => number,
  into: Float64Array,
  at: number,
): void {
  let i = from
  for (; i + 3 < to; i += 4) {
    const r0 = rowStart(i)
    const r1 = rowStart(i + 1)
    const r2 = rowStart(i + 2)
    const r3 = rowStart(i + 3)
    const f0 = factor(i)
    const f1 = factor(i + 1)
    const f2 = factor(i + 2)
    const f3 = factor(i + 3)
    const count = Math.min(most, i + 1)
    for (let j = 0; j < count; j++) {
      into[at + j] =
        into[at + j]! + f0 * cells[r0 + j]! + f1 * cells[r1 + j]! + f2 * cells[r2 + j]! + f3 * cells[r3 + j]!
    }
    for (let row = i + 1; row < i + 4; row++) addRow(cells, row, count, Math.min(most, row + 1), factor(row), into, at)
  }
  for (; i < to; i++) addRow(cells, i, 0, Math.min(most, i + 1), factor(i), into, at)
}

function addRow(
  cells: Float64Array,
  row: number,
  from: number,
  to: number,
  factor: number,
  into: Float64Array,
  at: number,
): void {
  for (let j = from, start = rowStart(row); j < to; j++) into[at + j]! += factor * cells[start + j]!
}
