import { createHash } from 'node:crypto'

/** A stream of chance. Two streams with the same seed and purpose give the same numbers, whatever ran in between. */
export interface Rng {
  /** The next number, uniform in [0, 1), with 53 random bits. */
  uniform(): number
  /** The next number of the standard normal distribution. */
  normal(): number
  /** The next integer, uniform in [0, below). */
  below(below: number): number
}

/**
 * The stream for one purpose: `stream(seed, 'suggest', 17)` is what trial 17 is suggested from, on every run and resume.
 * Philox-4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), keyed by the purpose.
 */
export function stream(seed: number, ...purpose: readonly (string | number)[]): Rng {
  const key = createHash('sha256')
    .update(JSON.stringify([seed, ...purpose]))
    .digest()
  const words = philox(key.readUInt32LE(0), key.readUInt32LE(4), key.readUInt32LE(8), key.readUInt32LE(12))
  const uniform = () => ((words() >>> 5) * 67_108_864 + (words() >>> 6)) / 9_007_199_254_740_992
  return {
    uniform,
    // Box-Muller, one of the pair: the other would be hidden state.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    below: (below) => Math.floor(uniform() * below),
  }
}

/** A 31-bit seed for one purpose, to hand to something that takes a number. */
export function seedFor(seed: number, ...purpose: readonly (string | number)[]): number {
  return stream(seed, ...purpose).below(2 ** 31)
}

/** The items in a random order; the input is left alone. */
export function shuffled<T>(items: readonly T[], rng: Rng): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order
}

/** The words of Philox-4x32-10 for a key of two words; the counter's upper two words tell 2^64 streams of it apart. */
export function philox(key0: number, key1: number, high0 = 0, high1 = 0): () => number {
  const block = new Uint32Array(4)
  let counter = 0
  return () => {
    if (counter % 4 === 0) rounds(block, counter / 4, high0, high1, key0, key1)
    return block[counter++ % 4]!
  }
}

/**
 * Ten rounds over one counter, without an allocation: weights and crops draw millions of numbers. Each name has its own
 * line, for to take lists apart costs ten times as much until this is compiled.
 */
function rounds(block: Uint32Array, counter: number, high0: number, high1: number, key0: number, key1: number): void {
  let c0 = counter
  let c1 = 0
  let c2 = high0
  let c3 = high1
  let k0 = key0
  let k1 = key1
  for (let round = 0; round < 10; round++) {
    const next0 = highWord(0xcd9e8d57, c2) ^ c1 ^ k0
    const next2 = highWord(0xd2511f53, c0) ^ c3 ^ k1
    c1 = Math.imul(0xcd9e8d57, c2)
    c3 = Math.imul(0xd2511f53, c0)
    c0 = next0
    c2 = next2
    k0 = (k0 + 0x9e3779b9) | 0
    k1 = (k1 + 0xbb67ae85) | 0
  }
  block[0] = c0
  block[1] = c1
  block[2] = c2
  block[3] = c3
}

/** The high 32 bits of a 32 by 32 bit product, from those of its halves: in whole numbers throughout, which is quick. */
function highWord(a: number, b: number): number {
  const aHigh = a >>> 16
  const aLow = a & 0xffff
  const bHigh = b >>> 16
  const bLow = b & 0xffff
  const left = Math.imul(aHigh, bLow)
  const right = Math.imul(aLow, bHigh)
  const carry = (Math.imul(aLow, bLow) >>> 16) + (left & 0xffff) + (right & 0xffff)
  return (Math.imul(aHigh, bHigh) + (left >>> 16) + (right >>> 16) + (carry >>> 16)) | 0
}
