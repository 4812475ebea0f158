import type { Batch } from '../../src/models/batch.ts'
import type { Hyper } from '../../src/models/step_values.ts'
import { stream } from '../../src/rng.ts'
import { CLASSES } from './nets.ts'

/** What every step here is taken with. */
export const HYPER: Hyper = {
  lr: 1e-3,
  weightDecay: 0.01,
  clip: 10,
  weights: { semantic: 1, center: 200, offset: 0.01 },
}

/** A batch of noise, for which time is the same as for pictures; targets at `stride`. */
export function madeBatch(size: number, side: number, stride: number): Batch {
  const rng = stream(1, 'bench')
  const cells = size * (side / stride) ** 2
  const draw = (count: number, next: () => number) => Float32Array.from({ length: count }, next)
  return {
    size,
    images: draw(size * 3 * side * side, () => rng.normal()),
    semantic: Int32Array.from({ length: cells }, () => rng.below(CLASSES + 1) - 1),
    semanticWeights: draw(cells, () => 1 + 2 * rng.below(2)),
    center: draw(cells, () => rng.uniform()),
    centerWeights: draw(cells, () => rng.below(2)),
    offset: draw(2 * cells, () => 10 * rng.normal()),
    offsetWeights: draw(cells, () => rng.below(2)),
  }
}
