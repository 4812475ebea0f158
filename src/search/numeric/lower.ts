/** The lower factor of a symmetric matrix, by rows; undefined where it is not positive definite. */
export function choleskyOf(matrix: Float64Array, n: number): Float64Array | undefined {
  const factor = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let left = matrix[i * n + j]!
      for (let k = 0; k < j; k++) left -= factor[i * n + k]! * factor[j * n + k]!
      if (i === j && !(left > 0)) return undefined
      factor[i * n + j] = i === j ? Math.sqrt(left) : left / factor[j * n + j]!
    }
  }
  return factor
}

/** The x of factor x = b. */
export function solveLower(factor: Float64Array, b: Float64Array): Float64Array {
  const n = b.length
  const x = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    let left = b[i]!
    for (let k = 0; k < i; k++) left -= factor[i * n + k]! * x[k]!
    x[i] = left / factor[i * n + i]!
  }
  return x
}

/** The product of a factor and a vector. */
export function timesLower(factor: Float64Array, x: Float64Array): Float64Array {
  const n = x.length
  const product = new Float64Array(n)
  for (let i = 0; i < n; i++) for (let k = 0; k <= i; k++) product[i]! += factor[i * n + k]! * x[k]!
  return product
}
