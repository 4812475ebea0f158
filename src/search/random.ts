import { drawAnywhere } from './points.ts'
import type { Sampler } from './sampler.ts'

/** Tries points at random, each alike. The measure of every other sampler. */
export function random(): Sampler {
  return {
    name: 'random',
    suggest(history, rng) {
      const point = drawAnywhere(history, () => history.dims.map(() => rng.uniform()), rng)
      return { point, reason: 'at random' }
    },
  }
}
