/** Compressed bytes, read bit by bit, the lowest first (RFC 1951, section 3.1.1). */
export interface Bits {
  /** The bytes, and zeros after them: more than a block's codes take, so that its end is checked once for all. */
  readonly view: DataView
  /** How many there are. */
  readonly end: number
  /** The next one. */
  at: number
}

const PADDING = 1024
let padded = new Uint8Array()

/** Reads bytes from the first. One reader at a time: the memory is reused. */
export function openBits(bytes: Uint8Array): Bits {
  const size = bytes.length + PADDING
  if (padded.length < size) padded = new Uint8Array(2 * size)
  padded.set(bytes)
  padded.fill(0, bytes.length, size)
  return { view: new DataView(padded.buffer, 0, size), end: 8 * bytes.length, at: 0 }
}

/** The next bits, 25 at most. */
export function take(bits: Bits, count: number): number {
  const value = peek(bits.view, bits.at) & ((1 << count) - 1)
  bits.at += count
  return value
}

/** 25 bits or more from a place on. */
export function peek(view: DataView, at: number): number {
  return view.getUint32(at >>> 3, true) >>> (at & 7)
}
