import { openBits, peek, take, type Bits } from './deflate_bits.ts'
import { FIXED_CODES, readCodes, type BlockCodes } from './deflate_codes.ts'

/** Bytes of which most are 0. Its memory is reused: it holds until the next is inflated. */
export interface SparseBytes {
  /** How many are not 0; their places, ascending, and their values. */
  readonly count: number
  readonly places: Uint32Array
  readonly values: Uint8Array
}

/** Of so many bytes one may be other than 0: up to one of 30 this is faster than zlib, and then soon slower. */
const SPARSENESS = 16
const LONGEST_COPY = 258
const CHECKSUM_BYTES = 4
/** Room is made only for what the data can fill: deflate never shrinks by more than 1032 to 1. */
const MAX_INFLATION = 1032

/**
 * Inflates a zlib stream (RFC 1950 and 1951) without making its zeros: a copy of zeros, whatever its length, is one
 * step, and all else stays in the fastest cache. Undefined for anything but an undamaged stream of exactly `size` bytes
 * that are sparse and were compressed: ask zlib for those, or for what is wrong with them.
 */
export function inflateSparse(data: Uint8Array, size: number): SparseBytes | undefined {
  if (!isZlib(data) || size > MAX_INFLATION * data.length || size >= 2 ** 32) return undefined
  const bits = openBits(data)
  bits.at = 16 // after the header
  const output = openOutput(size)
  for (let isLast = false; !isLast;) {
    isLast = take(bits, 1) === 1
    const codes = codesOf(bits, take(bits, 2))
    if (!codes || !inflateBlock(bits, codes, output)) return undefined
  }
  const end = Math.ceil(bits.at / 8)
  if (end + CHECKSUM_BYTES !== data.length || output.at !== size) return undefined
  return bits.view.getUint32(end) === adler32(output) ? output : undefined
}

function isZlib(data: Uint8Array): boolean {
  const [method = 0, flags = 0] = data
  const hasDictionary = (flags & 32) !== 0
  return data.length > 2 + CHECKSUM_BYTES && (method & 15) === 8 && (method * 256 + flags) % 31 === 0 && !hasDictionary
}

interface Output extends SparseBytes {
  readonly size: number
  /** How many may be other than 0. */
  readonly most: number
  /** Bytes so far, the zeros too. */
  at: number
  count: number
  /** For every 128th byte at most how many before it are not 0: the first from some byte on is near. */
  readonly index: Uint32Array
}

/** Of 128. */
const INDEX_BITS = 7
/** The longest copy ends as many places of the index later, at most. */
const INDEX_AHEAD = 3

const memory = { places: new Uint32Array(), values: new Uint8Array(), index: new Uint32Array() }

function openOutput(size: number): Output {
  const most = Math.ceil(size / SPARSENESS)
  const room = most + LONGEST_COPY + 1 // a step may pass the limit before that is seen
  if (memory.places.length < room) {
    memory.places = new Uint32Array(room)
    memory.values = new Uint8Array(room)
    memory.index = new Uint32Array((size >>> INDEX_BITS) + INDEX_AHEAD + 1)
  }
  const { places, values, index } = memory
  return { places, values, index, size, most, at: 0, count: 0 }
}

/** What a block of this kind is written in; one that is stored as it is has no codes. */
function codesOf(bits: Bits, kind: number): BlockCodes | undefined {
  return kind === 1 ? FIXED_CODES : kind === 2 ? readCodes(bits) : undefined
}

const END = 256
const FIRST_LENGTH = 257
const LENGTHS = Uint16Array.of(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258) // prettier-ignore
const LENGTH_BITS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0)
const DISTANCES = Uint16Array.of(1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577) // prettier-ignore
const DISTANCE_BITS = Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13) // prettier-ignore

/** The hot loop: bytes and copies (section 3.2.5) until the end of the block; false where it has none or too much. */
function inflateBlock(bits: Bits, { symbols, distances }: BlockCodes, output: Output): boolean {
  const { view, end } = bits
  const { places, values, index, size, most } = output
  let [bit, at, count] = [bits.at, output.at, output.count]
  while (bit <= end && at <= size && count <= most) {
    const next = peek(view, bit)
    const entry = symbols.table[next & symbols.mask]!
    const symbol = entry >> 4
    const width = entry & 15
    bit += width
    if (symbol < END) {
      if (width === 0) return false
      if (symbol !== 0) {
        places[count] = at
        values[count++] = symbol
      }
      index[(at++ >>> INDEX_BITS) + 1] = count
      continue
    }
    if (symbol === END) {
      bits.at = bit
      output.at = at
      output.count = count
      return true
    }
    const lengthBits = LENGTH_BITS[symbol - FIRST_LENGTH]!
    const length = LENGTHS[symbol - FIRST_LENGTH]! + ((next >>> width) & ((1 << lengthBits) - 1))
    bit += lengthBits
    const far = distances.table[peek(view, bit) & distances.mask]!
    bit += far & 15
    const distanceBits = DISTANCE_BITS[far >> 4]!
    const distance = DISTANCES[far >> 4]! + (peek(view, bit) & ((1 << distanceBits) - 1))
    bit += distanceBits
    // Symbols that stand for nothing have no length and no distance: comparisons with NaN are false.
    if (far === 0 || !(distance <= at && length <= size - at)) return false
    const from = at - distance
    const ahead = at >>> INDEX_BITS
    index[ahead + 1] = index[ahead + 2] = index[ahead + INDEX_AHEAD] = count // without asking which will be passed
    at += length
    let i = index[from >>> INDEX_BITS]!
    while (i < count && places[i]! < from) i++
    for (const to = from + length; i < count && places[i]! < to; i++) {
      places[count] = places[i]! + distance
      values[count++] = values[i]!
    }
  }
  return false
}

/** RFC 1950, section 8.2: sums of the bytes, and of the sums after each; zeros only lengthen the stay of what was before. */
function adler32({ places, values, count, size }: Output): number {
  const BASE = 65_521
  let [a, b] = [1, size % BASE]
  for (let i = 0; i < count; i++) {
    a += values[i]!
    b += values[i]! * (size - places[i]!)
    if (i % 1024 === 0) b %= BASE // below 2^53
  }
  return (b % BASE) * 65_536 + (a % BASE)
}
