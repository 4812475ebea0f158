/** The Matern 5/2 correlation at a squared distance (Rasmussen & Williams 2006, eq. 4.17). */
function matern52(squared: number): number {
  const q = Math.sqrt(5 * squared)
  return (1 + q + (q * q) / 3) * Math.exp(-q)
}

/** Its slope by the squared distance, which unlike that by the distance needs no division at 0. */
function matern52Slope(squared: number): number {
  const q = Math.sqrt(5 * squared)
  return (-5 / 6) * (1 + q) * Math.exp(-q)
}

/** The covariances of some squared distances, those of `squared` from a place on. */
export function covariances(scale: number, squared: Float64Array, from: number, count: number, into: Float64Array) {
  for (let i = 0; i < count; i++) into[i] = scale * matern52(squared[from + i]!)
}

/** The slopes of the covariances by the squared distances. */
export function covarianceSlopes(
  scale: number,
  squared: Float64Array,
  from: number,
  count: number,
  into: Float64Array,
) {
  for (let i = 0; i < count; i++) into[i] = scale * matern52Slope(squared[from + i]!)
}

/** Points as columns, one a dimension: a number, or a category, whose values are either equal or not. */
export interface Columns {
  readonly count: number
  readonly columns: readonly Float64Array[]
  readonly isCategory: readonly boolean[]
}

/**
 * The squared distances of a point to the first `count` others: the sum over dimensions of weight times squared
 * difference, a difference of categories being 1 (Hamming). One over the square root of a weight is a lengthscale.
 */
export function squaredDistances(
  { columns, isCategory }: Columns,
  weights: Float64Array,
  point: ArrayLike<number>,
  count: number,
  into: Float64Array,
): void {
  into.fill(0, 0, count)
  for (let d = 0; d < columns.length; d++) {
    const column = columns[d]!
    const weight = weights[d]!
    const x = point[d]!
    if (isCategory[d]) for (let i = 0; i < count; i++) into[i]! += column[i] === x ? 0 : weight
    else for (let i = 0; i < count; i++) into[i]! += weight * (column[i]! - x) ** 2
  }
}

/** How alike values are at two of the points: 1 where they are the same. */
export function correlation(weights: Float64Array, { columns, isCategory }: Columns, i: number, j: number): number {
  const parts = columns.map((column, d) =>
    isCategory[d] ? Number(column[i] !== column[j]) : (column[i]! - column[j]!) ** 2,
  )
  return matern52(parts.reduce((sum, part, d) => sum + weights[d]! * part, 0))
}

/** For each dimension, the sum over the first `count` points of a number each times the squared difference there. */
export function addWeightedSquares(
  { columns, isCategory }: Columns,
  point: ArrayLike<number>,
  count: number,
  numbers: Float64Array,
  into: Float64Array,
): void {
  for (let d = 0; d < columns.length; d++) {
    const column = columns[d]!
    const x = point[d]!
    let sum = 0
    if (isCategory[d]) for (let i = 0; i < count; i++) sum += column[i] === x ? 0 : numbers[i]!
    else for (let i = 0; i < count; i++) sum += numbers[i]! * (column[i]! - x) ** 2
    into[d]! += sum
  }
}

/** The first points of some columns. */
export function startOf({ columns, isCategory }: Columns, count: number): Columns {
  return { count, columns: columns.map((column) => column.subarray(0, count)), isCategory }
}

/** Whether columns begin with the points of others. */
export function isStartOf(start: Columns, columns: Columns): boolean {
  if (start.count > columns.count || start.columns.length !== columns.columns.length) return false
  return start.columns.every((column, d) => {
    const longer = columns.columns[d]!
    return columns.isCategory[d] === start.isCategory[d] && column.every((x, i) => x === longer[i])
  })
}
