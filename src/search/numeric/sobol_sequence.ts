import { JOE_KUO } from './joe_kuo.ts'

/** How many dimensions the sequence has. */
export const SOBOL_DIMS = JOE_KUO.length + 1

/** Coordinate d of the Sobol sequence's index-th point, as a fraction of 2^32. */
export function sobolCoordinate(index: number, d: number): number {
  let x = 0
  for (const [bit, direction] of directions(d, 32 - Math.clz32(index)).entries()) {
    if ((index >>> bit) & 1) x ^= direction
  }
  return x >>> 0
}

/** The first direction numbers of a dimension, as fractions of 2^32. */
function directions(d: number, count: number): readonly number[] {
  const [polynomial, ...initial] = JOE_KUO[d - 1] ?? [1]
  const degree = initial.length
  const numbers = (degree === 0 ? Array.from({ length: count }, () => 1) : initial).map((m, i) => m * 2 ** (31 - i))
  for (let i = numbers.length; i < count; i++) {
    // v_i = a_1 v_{i-1} + ... + a_s v_{i-s} + v_{i-s} / 2^s over GF(2); section 2 of Joe & Kuo 2008.
    let next = numbers[i - degree]! >>> degree
    for (let k = 1; k <= degree; k++) if ((polynomial >>> (degree - k)) & 1) next ^= numbers[i - k]!
    numbers.push(next >>> 0)
  }
  return numbers.slice(0, count)
}

/**
 * Owen's nested uniform scramble of a fraction of 2^32: each bit is flipped, or not, by a hash of the bits above it. It
 * keeps the evenness of the sequence, and makes each point uniform over seeds of 32 bits.
 * Burley 2020, "Practical hash-based Owen scrambling"; the hash is that of Vegdahl 2021, "Building a better LK hash".
 */
export function owenScramble(x: number, seed: number): number {
  let bits = reverseBits(x)
  bits ^= Math.imul(bits, 0x3d20adea)
  bits += seed
  bits = Math.imul(bits, (seed >>> 16) | 1)
  bits ^= Math.imul(bits, 0x05526c56)
  bits ^= Math.imul(bits, 0x53a22864)
  return reverseBits(bits)
}

function reverseBits(x: number): number {
  let bits = x
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1)
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2)
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4)
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8)
  return ((bits >>> 16) | (bits << 16)) >>> 0
}

/** Coordinate d of the sequence's first points, scrambled by a seed, as numbers within (0, 1). */
export function sobolColumn(count: number, d: number, seed: number): Float64Array {
  const steps = directions(d, 32 - Math.clz32(Math.max(0, count - 1)))
  return Float64Array.from({ length: count }, (_, index) => {
    let x = 0
    for (let bit = 0; index >>> bit > 0; bit++) if ((index >>> bit) & 1) x ^= steps[bit]!
    return (owenScramble(x >>> 0, seed) + 0.5) / 2 ** 32
  })
}
