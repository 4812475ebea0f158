import { expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import {
  emptyFactor,
  inverseOf,
  rowStart,
  unwhiten,
  whiten,
  writeRow,
} from '../../../src/search/numeric/inverse_factor.ts'

const covariance = [[2, 0.5, 0.3, 0.1, 0.2], [0.5, 1.5, 0.4, 0.2, 0.1], [0.3, 0.4, 1.8, 0.6, 0.3], [0.1, 0.2, 0.6, 1.2, 0.5], [0.2, 0.1, 0.3, 0.5, 1]] // prettier-ignore

/** The inverse factor of a matrix, and what its rows gave on the way: the Cholesky factor. */
function factored(matrix: readonly (readonly number[])[], from = emptyFactor(0), start = 0) {
  const cells = emptyFactor(matrix.length)
  cells.set(from)
  const rows = matrix.slice(start).map((row, offset) => {
    const i = start + offset
    const k = Float64Array.from(row.slice(0, i))
    const diagonal = writeRow(cells, i, k, row[i]!, 0)
    return [...k, diagonal]
  })
  return { cells, rows }
}

/** A covariance matrix of n points on a line. */
function lineCovariance(n: number, noise: number): readonly (readonly number[])[] {
  const rng = stream(1, 'line')
  const xs = Array.from({ length: n }, () => rng.uniform())
  return xs.map((x, i) => xs.map((y, j) => Math.exp(-20 * (x - y) ** 2) + (i === j ? noise : 0)))
}

test('the Cholesky factor, its inverse and the inverse of all are those of scipy', () => {
  // scipy 1.10: linalg.cholesky and linalg.inv, last rows
  const { cells, rows } = factored(covariance)
  const close = (numbers: ArrayLike<number>, expected: readonly number[]) =>
    expected.forEach((x, i) => expect(numbers[i]).toBeCloseTo(x, 14))
  close(rows[3]!, [0.07071067811865475, 0.1492405014489273, 0.41965170608185726, 0.9983084284477715])
  close(rows[4]!, [0.1414213562373095, 0.04264014327112209, 0.1992994724535911, 0.4006777751260134, 0.8819970855856647])
  close(cells.subarray(rowStart(3)), [0.011286697890873595, -0.05079014050893127, -0.3244925643626164, 1.0016944378150334, -0.09234203519893737, 0.02307318338126145, -0.027017317292588217, -0.45505445001932293, 1.133790594484764]) // prettier-ignore
  close(inverseOf({ size: 5, cells }).subarray(rowStart(4)), [-0.10469653098413624, 0.026160158302496413, -0.03063198023454705, -0.5159364554103457, 1.2854811121421146]) // prettier-ignore
})

test('a factor grown by rows has the bits of one made at once', () => {
  const matrix = lineCovariance(23, 1e-3)
  const grown = factored(matrix, factored(matrix.slice(0, 10)).cells, 10)
  expect(grown.cells).toEqual(factored(matrix).cells)
})

test('whitened covariances have unit variances, and unwhitening solves the system', () => {
  const matrix = lineCovariance(37, 1e-6)
  const { cells } = factored(matrix)
  const wanted = Float64Array.from(matrix, (_, i) => Math.sin(i))
  const product = Float64Array.from(matrix, (row) => row.reduce((sum, x, j) => sum + x * wanted[j]!, 0))
  const [half, solved] = [new Float64Array(37), new Float64Array(37)]
  whiten(cells, 37, product, half)
  unwhiten(cells, 37, half, solved)
  for (const [i, x] of solved.entries()) expect(x).toBeCloseTo(wanted[i]!, 6)
})

test('points that are seen twice, and rounding, leave a row the variance that it has at least', () => {
  const twice = [[1, 1], [1, 1]] // prettier-ignore
  const cells = emptyFactor(2)
  writeRow(cells, 0, new Float64Array(2), twice[0]![0]!, 1e-6)
  expect(writeRow(cells, 1, Float64Array.of(1 + 1e-12, 0), 1, 1e-6)).toBe(1e-3)
})
