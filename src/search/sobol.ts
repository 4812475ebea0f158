import { stream } from '../rng.ts'
import { JOE_KUO } from './numeric/joe_kuo.ts'
import { withoutInactive } from './points.ts'
import type { Sampler } from './sampler.ts'

interface SobolOptions {
  /** Chooses the scramble. Default: the seed of trial 0, so that every study has its own. */
  readonly seed?: number
}

/** Dimensions that the sequence has; any beyond are random. */
const DIMS = JOE_KUO.length + 1

/**
 * Spreads trials evenly: a scrambled Sobol sequence, the trial's number being its place in it. All trials of a study
 * share one scramble, which follows from a seed and not from the `rng` of a trial; without a seed, the first trial of
 * all is random. Better than `random` where few trials have to cover the space; it learns nothing from results.
 */
export function sobol({ seed }: SobolOptions = {}): Sampler {
  return {
    name: 'sobol',
    suggest({ dims, trials }, rng) {
      const key = seed ?? trials[0]?.seed
      const scrambles = key === undefined ? undefined : stream(key, 'sobol')
      const point = dims.map((_, d) =>
        scrambles && d < DIMS ? coordinate(trials.length, d, scrambles.below(2 ** 32)) : rng.uniform(),
      )
      return withoutInactive(dims, point)
    },
  }
}

/** Coordinate d of the index-th point, in the middle of its cell of 2^-32. */
function coordinate(index: number, d: number, scramble: number): number {
  let x = 0
  for (const [bit, direction] of directions(d, 32 - Math.clz32(index)).entries()) {
    if ((index >>> bit) & 1) x ^= direction
  }
  return (owenScramble(x >>> 0, scramble) + 0.5) / 2 ** 32
}

/** The first direction numbers of a dimension, as fractions of 2^32. */
function directions(d: number, count: number): readonly number[] {
  const [polynomial, ...initial] = JOE_KUO[d - 1] ?? [1]
  const degree = initial.length
  const numbers: number[] = []
  for (let i = 0; i < count; i++) {
    if (degree === 0) numbers.push(2 ** (31 - i))
    else if (i < degree) numbers.push(initial[i]! * 2 ** (31 - i))
    else {
      // v_i = a_1 v_{i-1} + ... + a_s v_{i-s} + v_{i-s} / 2^s, over GF(2): section 2, Joe & Kuo 2008.
      let next = numbers[i - degree]! >>> degree
      for (let k = 1; k <= degree; k++) if ((polynomial >>> (degree - k)) & 1) next ^= numbers[i - k]!
      numbers.push(next >>> 0)
    }
  }
  return numbers
}

/**
 * Owen's nested uniform scramble by hashing: each bit is flipped or not by a hash of the bits above it.
 * Burley 2020, "Practical hash-based Owen scrambling", with the hash of Vegdahl 2021.
 */
function owenScramble(x: number, seed: number): number {
  let bits = reverseBits(x)
  bits ^= Math.imul(bits, 0x3d20adea)
  bits = (bits + seed) >>> 0
  bits = Math.imul(bits, (seed >>> 16) | 1)
  bits ^= Math.imul(bits, 0x05526c56)
  bits ^= Math.imul(bits, 0x53a22864)
  return reverseBits(bits >>> 0)
}

function reverseBits(x: number): number {
  let bits = x
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1)
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2)
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4)
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8)
  return ((bits >>> 16) | (bits << 16)) >>> 0
}
