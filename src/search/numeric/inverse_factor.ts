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
  const row = rowStart(i)
  cells.fill(0, row, row + i)
  for (let m = 0; m < i; m++) addScaled(cells, row, cells, rowStart(m), m + 1, -k[m]! / diagonal)
  cells[row + i] = 1 / diagonal
  return diagonal
}

/** W k for the first `count` rows. `into` may be `k` itself. */
export function whiten(cells: Float64Array, count: number, k: Float64Array, into: Float64Array): void {
  // From the last row up, for a row reads only what stands before its own place.
  for (let i = count - 1; i >= 0; i--) into[i] = dot(cells, rowStart(i), k, i + 1)
}

/** W' q for the first `count` rows. */
export function unwhiten(cells: Float64Array, count: number, q: Float64Array, into: Float64Array): void {
  into.fill(0, 0, count)
  for (let i = 0; i < count; i++) addScaled(into, 0, cells, rowStart(i), i + 1, q[i]!)
}

/** The lower triangle of W' W, the inverse of K, laid out as W is. */
export function inverseOf({ size, cells }: InverseFactor): Float64Array {
  const inverse = new Float64Array(cells.length)
  for (let m = 0; m < size; m++) {
    const row = rowStart(m)
    for (let i = 0; i <= m; i++) addScaled(inverse, rowStart(i), cells, row, i + 1, cells[row + i]!)
  }
  return inverse
}

/** Four sums at once: one alone would wait for each addition before the next. */
function dot(a: Float64Array, start: number, b: Float64Array, count: number): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0]
  let i = 0
  for (; i + 3 < count; i += 4) {
    s0 += a[start + i]! * b[i]!
    s1 += a[start + i + 1]! * b[i + 1]!
    s2 += a[start + i + 2]! * b[i + 2]!
    s3 += a[start + i + 3]! * b[i + 3]!
  }
  for (; i < count; i++) s0 += a[start + i]! * b[i]!
  return s0 + s1 + (s2 + s3)
}

/** into += factor * from, over `count` numbers from each one's start. */
function addScaled(into: Float64Array, at: number, from: Float64Array, start: number, count: number, factor: number) {
  for (let i = 0; i < count; i++) into[at + i]! += factor * from[start + i]!
}
