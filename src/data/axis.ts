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
 * Shrinking averages the area that a pixel covers, so that nothing aliases however small the image gets; enlarging is
 * bilinear with half-pixel centres and the border repeated. Both keep an image's middle where `nearestOf` has it.
 */
export function blendOf(axis: Axis): Blend {
  const { crop, length } = axis
  const target = resized(length, axis.scale)
  const ratio = length / target
  const reach = ratio === 1 ? 1 : Math.ceil(ratio) + 1
  const blend = {
    first: new Int32Array(crop).fill(-1),
    count: new Int32Array(crop),
    shares: new Float32Array(crop * reach),
    reach,
  }
  const write = ratio >= 1 ? writeArea : writeLinear
  eachInside(axis, target, (place, at) => write(blend, place, at, target, length))
  return blend
}

function eachInside(axis: Axis, target: number, visit: (place: number, at: number) => void): void {
  const { crop, start, isFlipped } = axis
  for (let i = Math.max(0, -start); i < Math.min(crop, target - start); i++) {
    visit(isFlipped ? crop - 1 - i : i, start + i)
  }
}

function writeArea({ first, count, shares, reach }: Blend, place: number, at: number, target: number, length: number) {
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

function writeLinear(
  { first, count, shares, reach }: Blend,
  place: number,
  at: number,
  target: number,
  length: number,
) {
  const position = Math.min(length - 1, Math.max(0, ((at + 0.5) * length) / target - 0.5))
  const begin = Math.floor(position)
  const share = position - begin
  first[place] = begin
  count[place] = share > 0 ? 2 : 1
  shares[place * reach] = 1 - share
  shares[place * reach + 1] = share
}
