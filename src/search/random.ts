import { drawAllowed } from './points.ts'
import type { Sampler } from './sampler.ts'

/** Tries points at random, each alike. The measure of every other sampler. */
export function random(): Sampler {
  return {
    name: 'random',
    suggest(history, rng) {
      const point = drawAllowed(history, () => history.dims.map(() => rng.uniform()))
      return { point, reason: 'at random' }
    },
  }
}
