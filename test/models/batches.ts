import type { Batch } from '../../src/models/batch.ts'
import { stream } from '../../src/rng.ts'

/** A batch of noise with labels from -1 (ignored) to `classes - 1`, the same for the same seed. */
export function noiseBatch(size: number, side: number, classes: number, lossStride = 4, seed = 1): Batch {
  const rng = stream(seed, 'noise')
  const cells = size * (side / lossStride) ** 2
  const floats = (count: number, draw: () => number) => Float32Array.from({ length: count }, draw)
  return {
    size,
    images: floats(size * 3 * side * side, rng.normal),
    semantic: Int32Array.from({ length: cells }, () => rng.below(classes + 1) - 1),
    semanticWeights: floats(cells, () => 1 + 2 * rng.below(2)),
    center: floats(cells, rng.uniform),
    centerWeights: floats(cells, () => rng.below(2)),
    offset: floats(2 * cells, () => 10 * rng.normal()),
    offsetWeights: floats(cells, () => rng.below(2)),
  }
}

/** A quarter of the image is class 1 and one instance, brighter than the rest, which is class 0. */
export function squareBatch(side: number, lossStride = 4): Batch {
  const cells = side / lossStride
  const isInside = (i: number, length: number) => (i % length) * 2 < length && Math.floor(i / length) * 2 < length
  const map = (channels: number, length: number, at: (i: number, channel: number) => number) =>
    Float32Array.from({ length: channels * length * length }, (_, i) =>
      at(i % length ** 2, Math.floor(i / length ** 2)),
    )
  const position = (i: number, axis: number) => ((axis === 0 ? Math.floor(i / cells) : i % cells) + 0.5) * lossStride
  const distance = (i: number, axis: number) => side / 4 - position(i, axis)
  const rng = stream(1, 'square')
  const inside = map(1, cells, (i) => Number(isInside(i, cells)))
  return {
    size: 1,
    images: map(3, side, (i) => (isInside(i, side) ? 1 : -1) + 0.3 * rng.normal()),
    semantic: Int32Array.from(inside),
    semanticWeights: inside.map(() => 1),
    center: map(1, cells, (i) => Math.exp(-(distance(i, 0) ** 2 + distance(i, 1) ** 2) / (2 * 4 ** 2))),
    centerWeights: inside.map(() => 1),
    offset: map(2, cells, (i, axis) => (isInside(i, cells) ? distance(i, axis) : 0)),
    offsetWeights: inside,
  }
}
