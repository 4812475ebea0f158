import { withoutInactive } from './points.ts'
import type { Sampler } from './sampler.ts'

/** Tries points at random, each alike. The measure of every other sampler. */
export function random(): Sampler {
  return {
    name: 'random',
    suggest({ dims }, rng) {
      const point = dims.map(() => rng.uniform())
      return { point: withoutInactive(dims, point), reason: 'at random' }
    },
  }
}
