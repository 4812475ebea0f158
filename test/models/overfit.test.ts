import { expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openShapes } from '../../src/data/shapes.ts'
import { trainModel } from '../../src/models/train.ts'
import { temporaryDir } from '../temporary.ts'

/** Nothing smaller can be seen in features of a sixteenth of the pixels. */
const LEAST_AREA = 32

test('a network that sees the same four scenes again and again knows them: PQ of at least 95', async () => {
  const set = await fourScenes()
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  const trial = { seed: 1, device, signal: new AbortController().signal, maxSteps: 1, dir: temporaryDir() }
  const run = trainModel({
    trial,
    set,
    crop: 96,
    batch: 4,
    every: 400,
    lr: 7e-3,
    weights: { semantic: 1, center: 20, offset: 0.1 },
    // Borders are learned to the pixel, and centres that lie close together stay apart.
    losses: { stride: 1 },
    targets: { sigma: 2 },
    decode: { threshold: 0.3, nmsKernel: 5 },
    augment: { flip: false },
    checkpoints: 'never',
  })
  for await (const model of run) {
    const { pq, pq_things, pq_stuff } = await model.score(set)
    expect(pq).toBeGreaterThanOrEqual(95)
    expect(pq_things).toBeGreaterThanOrEqual(90)
    expect(pq_stuff).toBeGreaterThanOrEqual(98)
  }
}, 240_000)

async function fourScenes(): Promise<ImageSet> {
  const set = await openShapes({ cacheDir: temporaryDir(), split: 'train', size: 96, train: 12, val: 1, heldout: 1 })
  const clear = set.scenes.filter(({ segments }) => segments.every(({ area }) => area >= LEAST_AREA))
  return { ...set, scenes: clear.slice(0, 4) }
}
