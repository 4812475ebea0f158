import { stream } from '../rng.ts'
import { owenScramble, SOBOL_DIMS, sobolCoordinate } from './numeric/sobol_sequence.ts'
import { drawAnywhere } from './points.ts'
import type { Sampler } from './sampler.ts'

interface SobolOptions {
  /** Chooses the scramble. Default: the seed of trial 0, so that every study has its own. */
  readonly seed?: number
}

/**
 * Spreads trials evenly: a scrambled Sobol sequence, in which a trial's number is its place. All trials of a study
 * share one scramble, which follows from a seed and not from the `rng` of a trial; without a seed, the first trial of
 * all is random. It learns nothing from results. Dimensions after the 64th are random.
 */
export function sobol({ seed }: SobolOptions = {}): Sampler {
  return {
    name: 'sobol',
    suggest(history, rng) {
      const { dims, trials } = history
      const key = seed ?? trials[0]?.seed
      // Where its place is not allowed, a trial has the same place of another sequence: what is allowed of each is even.
      const draw = (attempt: number) => {
        const scrambles = key === undefined ? undefined : stream(key, 'sobol', ...(attempt === 0 ? [] : [attempt]))
        return dims.map((_, d) => {
          if (!scrambles || d >= SOBOL_DIMS) return rng.uniform()
          // In the middle of its cell of 2^-32, and so never at an end.
          return (owenScramble(sobolCoordinate(trials.length, d), scrambles.below(2 ** 32)) + 0.5) / 2 ** 32
        })
      }
      const point = drawAnywhere(history, draw, rng)
      return { point, reason: `place ${trials.length} of a sequence that is evenly spread` }
    },
  }
}
