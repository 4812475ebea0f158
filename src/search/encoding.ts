import { levelAt, levelCentre, type Dim } from '../space.ts'
import type { Columns } from './numeric/matern.ts'

/** Ordered dimensions of more levels are searched as numbers, and brought to the next level at the end. */
const MOST_LEVELS = 16

/** How the points of a space look to a Gaussian process, and how it may move among them. */
export interface Encoding {
  readonly dims: readonly Dim[]
  /** By dimension: whether its levels are only equal or not. */
  readonly isCategory: readonly boolean[]
  /** By dimension: the levels that are tried one by one; 0 for one that is moved along like a number. */
  readonly discrete: readonly number[]
}

export function encodingOf(dims: readonly Dim[]): Encoding {
  return {
    dims,
    isCategory: dims.map(({ ordered, levels }) => !ordered && levels > 1),
    discrete: dims.map(({ ordered, levels }) => (!ordered || levels <= MOST_LEVELS ? levels : 0)),
  }
}

/** Which coordinates count at a point that has some number in each. */
export function activity({ dims }: Encoding, point: ArrayLike<number>, into: Uint8Array): void {
  for (let d = 0; d < dims.length; d++) {
    const { when } = dims[d]!
    const parent = when ? d - when.back : d
    const isOn = !when || (into[parent] === 1 && levelAt(point[parent]!, dims[parent]!.levels) === when.level)
    into[d] = Number(isOn && !Number.isNaN(point[d]!))
  }
}

/**
 * The coordinates of a point among the columns of a Gaussian process: a number stays what it is, a category becomes its
 * level. A coordinate that is switched off is a category of its own, or the middle of the range: how far such points
 * are from others then is learned as the weight of the choice that switched it, which differs too. (A distance that is
 * the same to all of a range, as has been proposed, does not give a valid covariance.)
 */
export function encode({ dims, isCategory }: Encoding, point: ArrayLike<number>, isOn: Uint8Array, into: Float64Array) {
  for (let d = 0; d < dims.length; d++) {
    const x = point[d]!
    if (isCategory[d]) into[d] = isOn[d] ? levelAt(x, dims[d]!.levels) : -1
    else into[d] = isOn[d] ? x : 0.5
  }
}

/** Points as columns. */
export function columnsOf(encoding: Encoding, points: readonly ArrayLike<number>[]): Columns {
  const columns = encoding.dims.map(() => new Float64Array(points.length))
  const [isOn, row] = [new Uint8Array(encoding.dims.length), new Float64Array(encoding.dims.length)]
  for (const [i, point] of points.entries()) {
    activity(encoding, point, isOn)
    encode(encoding, point, isOn, row)
    for (let d = 0; d < columns.length; d++) columns[d]![i] = row[d]!
  }
  return { count: points.length, columns, isCategory: encoding.isCategory }
}

/** The coordinate brought to the centre of its level, where it has levels. */
export function snapped({ levels }: Dim, x: number): number {
  return Number.isFinite(levels) ? levelCentre(levelAt(x, levels), levels) : x
}
