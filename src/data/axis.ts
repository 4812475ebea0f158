import { resized } from './augment.ts'

/** Along one axis of a crop: which pixels of the source each of its pixels is a mean of. */
export interface Blend {
  /** The first of them; -1 on padding. */
  readonly first: Int32Array
  /** How many there are. */
  readonly count: Int32Array
  /** Their shares, which sum to 1: those of pixel i from `reach * i` on. */
  readonly shares: Float32Array
  /** No pixel is a mean of more; 1 where nothing is resized. */
  readonly reach: number
}

interface Axis {
  /** Pixels of the crop. */
  readonly crop: number
  /** Where the crop begins in the resized source. */
  readonly start: number
  readonly scale: number
  /** Pixels of the source. */
  readonly length: number
  readonly isFlipped: boolean
}

/** The source pixel under the middle of each pixel of a crop; -1 where there is none. */
export function nearestOf(axis: Axis): Int32Array {
  const target = resized(axis.length, axis.scale)
  const source = new Int32Array(axis.crop).fill(-1)
  eachInside(axis, target, (place, at) => {
    source[place] = Math.floor(((at + 0.5) * axis.length) / target)
  })
  return source
}

/**
 * For pictures. Shrinking averages the area that a pixel covers, so that nothing aliases however small the image gets;
 * enlarging is bilinear. Both keep an image's middle where `nearestOf` has it.
 */
export function blendOf(axis: Axis): Blend {
  const ratio = axis.length / resized(axis.length, axis.scale)
  return ratio < 1 ? linearOf(axis) : blend(axis, ratio === 1 ? 1 : Math.ceil(ratio) + 1, writeArea)
}

/** Bilinear with half-pixel centres and the border repeated: exact for values that grow evenly along the axis. */
export function linearOf(axis: Axis): Blend {
  return blend(axis, 2, writeLinear)
}

type Write = (blend: Blend, place: number, at: number, target: number, length: number) => void

function blend(axis: Axis, reach: number, write: Write): Blend {
  const { crop, length } = axis
  const target = resized(length, axis.scale)
  const first = new Int32Array(crop).fill(-1)
  const empty = { first, count: new Int32Array(crop), shares: new Float32Array(crop * reach), reach }
  eachInside(axis, target, (place, at) => write(empty, place, at, target, length))
  return empty
}

function eachInside(axis: Axis, target: number, visit: (place: number, at: number) => void): void {
  const { crop, start, isFlipped } = axis
  for (let i = Math.max(0, -start); i < Math.min(crop, target - start); i++) {
    visit(isFlipped ? crop - 1 - i : i, start + i)
  }
}

const writeArea: Write = ({ first, count, shares, reach }, place, at, target, length) => {
  // Products of whole numbers before the division: a border that falls between two pixels does so exactly.
  const from = (at * length) / target
  const to = ((at + 1) * length) / target
  const begin = Math.floor(from)
  const end = Math.min(length, Math.ceil(to), begin + reach)
  first[place] = begin
  count[place] = end - begin
  for (let k = begin; k < end; k++) {
    shares[place * reach + k - begin] = (Math.min(to, k + 1) - Math.max(from, k)) / (to - from)
  }
}

const writeLinear: Write = ({ first, count, shares, reach }, place, at, target, length) => {
  const position = Math.min(length - 1, Math.max(0, ((at + 0.5) * length) / target - 0.5))
  const begin = Math.floor(position)
  const share = position - begin
  first[place] = begin
  count[place] = share > 0 ? 2 : 1
  shares[place * reach] = 1 - share
  shares[place * reach + 1] = share
}
