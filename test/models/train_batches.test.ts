import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../../src/models/batch.ts'
import { makeTargets } from '../../src/models/targets.ts'
import { batchWriter, emptyBatch, planFrom, trainBatches } from '../../src/models/train_batches.ts'
import type { TrainBatchOptions } from '../../src/models/train_batches.ts'
import { CATEGORIES, drawnSet, rectangles } from '../data/drawn_set.ts'

/** Eight scenes of 16 x 16 on road, with a cat that is somewhere else in each. */
const set = drawnSet(
  Array.from({ length: 8 }, (_, n) => {
    const labelAt = rectangles([
      { y: 0, x: 0, height: 16, width: 16 },
      { y: n, x: 15 - 2 * n, height: 5, width: 4 },
    ])
    const segments = [
      { category: 2, isCrowd: false },
      { category: 1, isCrowd: false },
    ]
    return { height: 16, width: 16, labelAt, segments }
  }),
)

const WHOLE: TrainBatchOptions = {
  size: 4,
  seed: 3,
  augment: { height: 16, width: 16, flip: false },
  targets: { stride: 4, sigma: 2 },
}

function copies(options: TrainBatchOptions, count: number): Batch[] {
  const batches = trainBatches(set, options)
  return Array.from({ length: count }, () => structuredClone(batches.next().value))
}

describe('trainBatches', () => {
  test('is the same for the same seed, bit by bit, and another for another', () => {
    const options: TrainBatchOptions = { ...WHOLE, augment: { height: 8, width: 12, scale: [0.5, 2], light: 0.2 } }
    expect(copies(options, 6)).toEqual(copies(options, 6))
    expect(copies(options, 6)).not.toEqual(copies({ ...options, seed: 4 }, 6))
  })

  test('gives the batches of its first release, on which studies were calibrated', () => {
    const hash = createHash('sha256')
    const options: TrainBatchOptions = { ...WHOLE, augment: { height: 8, width: 20, light: 0.2 } }
    for (const { images, semantic, semanticWeights, center, offset, offsetWeights } of copies(options, 5)) {
      for (const values of [images, semantic, semanticWeights, center, offset, offsetWeights]) hash.update(values)
    }
    expect(hash.digest('hex').slice(0, 32)).toBe('6762c8c7bed0d949c62cd80977a64007')
  })

  test('goes on behind the batches that were taken as if it had never stopped', () => {
    const options: TrainBatchOptions = { ...WHOLE, hardest: 3, balance: { by: 'class', below: 0.5 } }
    const lossesOf = (step: number) => [1 + (step % 3), 1, 4, 2]
    const run = (from: number, to: number) => {
      const losses = Array.from({ length: from }, (_, step) => lossesOf(step))
      const batches = trainBatches(set, { ...options, taken: { batches: from, losses } })
      const made = []
      for (let step = from; step < to; step++) {
        made.push(structuredClone(batches.next(step > from ? lossesOf(step - 1) : undefined).value))
      }
      return made
    }
    // What was told of the last batch before the stop is among what is told of those that were taken.
    expect(run(7, 20)).toEqual(run(0, 20).slice(7))
    expect(run(0, 20)).not.toEqual(copies({ ...options, hardest: 1 }, 20))
  })

  test('shows a scene that comes again within an epoch in another way', () => {
    const options: TrainBatchOptions = { ...WHOLE, scenes: [2], size: 2, balance: { by: 'class', below: 1 } }
    const twice = planFrom(set, options)
    const write = batchWriter(set, { ...options, augment: { height: 4, width: 4 } })
    const batch = emptyBatch({ ...options, augment: { height: 4, width: 4 } })
    const [turn] = twice.next()
    write([turn!, { ...turn!, repeat: 1 }], batch)
    expect(batch.images.subarray(0, 48)).not.toEqual(batch.images.subarray(48))
    write([turn!, turn!], batch)
    expect(batch.images.subarray(0, 48)).toEqual(batch.images.subarray(48))
  })

  test('has each whole scene once an epoch, with the targets of that scene', () => {
    const expected = set.scenes.map((scene) =>
      makeTargets({ ...scene, labels: set.labels.subarray(scene.at, scene.at + 256) }, CATEGORIES, WHOLE.targets),
    )
    const seen: number[] = []
    for (const batch of copies(WHOLE, 4)) {
      for (let n = 0; n < batch.size; n++) {
        const offset = batch.offset.subarray(32 * n, 32 * n + 32)
        const scene = expected.findIndex((targets) => targets.offset.every((value, i) => value === offset[i]))
        seen.push(scene)
        for (const name of ['semantic', 'semanticWeights', 'center', 'centerWeights', 'offsetWeights'] as const) {
          expect([...batch[name].subarray(16 * n, 16 * n + 16)]).toEqual([...expected[scene]![name]])
        }
      }
    }
    expect(seen.slice(0, 8).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(seen.slice(8).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  test('keeps pictures and targets aligned under every view: cats are bright, roads dark, and padding is neither', () => {
    const painted = { ...set, pixels: Uint8Array.from(set.pixels, (_, i) => (set.labels[Math.floor(i / 3)] === 2 ? 255 : 0)) } // prettier-ignore
    const augment = { height: 24, width: 20, scale: [0.3, 2], colour: 0.5 } as const
    const batches = trainBatches(painted, { ...WHOLE, augment, targets: { sigma: 2 } })
    // Of a pixel whose middle is a cat at least a quarter is, at its corners; of one on the road at most a half.
    const [quarter, half] = [-1.0001, 0.0001]
    const wrong = Array.from({ length: 20 }, () => {
      const { images, semantic } = batches.next().value
      return [...semantic].filter((category, i) => {
        const n = Math.floor(i / 480)
        const value = images[3 * 480 * n + (i % 480)]!
        return category === -1 ? value !== 0 : category === 1 ? value < quarter : value > half
      }).length
    })
    expect(Math.max(...wrong)).toBe(0)
  })

  test('normalises each scene as its domain is', () => {
    const mean = [0.1, 0.2, 0.3] as const
    const others = { mean, deviation: [1, 1, 1] } as const
    expect(copies({ ...WHOLE, normalisation: { domains: {}, others } }, 2)).toEqual(copies({ ...WHOLE, normalisation: others }, 2)) // prettier-ignore
    const domains = { '': { mean, deviation: [2, 2, 2] } } as const
    const [whole, half] = [copies({ ...WHOLE, normalisation: others }, 1), copies({ ...WHOLE, normalisation: { domains, others } }, 1)] // prettier-ignore
    expect([...half[0]!.images.subarray(0, 99)]).toEqual([...whole[0]!.images.subarray(0, 99)].map((x) => x / 2))
  })

  test('has the shapes that a batch promises', () => {
    const [batch] = copies({ ...WHOLE, size: 3, augment: { height: 8, width: 12 } }, 1)
    const lengths = Object.values(batch!).map((value) => (typeof value === 'number' ? value : value.length))
    expect(lengths.toSorted((a, b) => a - b)).toEqual([3, 18, 18, 18, 18, 18, 36, 864])
  })

  test('cuts each scene of an epoch in its own way', () => {
    const batch = copies({ ...WHOLE, size: 8, augment: { height: 4, width: 4 } }, 1)[0]!
    // Green and blue hold the row and the column that a pixel comes from.
    const corners = Array.from({ length: 8 }, (_, n) =>
      [batch.images[48 * n + 16], batch.images[48 * n + 32]].join(' '),
    )
    expect(new Set(corners).size).toBeGreaterThan(5)
  })

  test('leaves a batch alone until the second after it is asked for', () => {
    const batches = trainBatches(set, WHOLE)
    const first = batches.next().value
    const copy = structuredClone(first)
    batches.next()
    expect(first).toEqual(copy)
    batches.next()
    expect(first).not.toEqual(copy)
  })

  test('trains on the scenes it is given, however few', () => {
    const batch = copies({ ...WHOLE, scenes: [6] }, 1)[0]!
    const offsets = Array.from({ length: 4 }, (_, n) => [...batch.offset.subarray(32 * n, 32 * n + 32)])
    expect(new Set(offsets.map((offset) => offset.join(' '))).size).toBe(1)
  })

  test.each<[Partial<TrainBatchOptions>, RegExp]>([
    [{ augment: { height: 18, width: 16 } }, /a crop of 18 x 16 cannot be divided into targets of stride 4/],
    [{ augment: { height: 0, width: 16 } }, /a crop of 0 x 16 has no pixels/],
    [{ augment: { height: 16, width: 16, scale: [2, 0.5] } }, /images cannot be resized by 2 to 0.5/],
    [{ targets: { sigma: 0 } }, /sigma is 0, must be greater than 0/],
    [{ size: 0 }, /the batch size is 0/],
    [{ scenes: [] }, /there is no image to train on/],
    [{ scenes: [0, 9] }, /scene 9 is to be trained on, of a set of 8/],
    [{ augment: { height: 16, width: 16, colour: -1 } }, /the change of colour is -1/],
    [{ balance: { by: 'class', below: 0 } }, /what is in less than 0 of the scenes/],
    [{ hardest: 0.5 }, /the hardest scenes are to come 0.5 times as often/],
  ])('%j is an error', (options, message) => {
    expect(() => trainBatches(set, { ...WHOLE, ...options }).next()).toThrow(message)
  })

  test('a class that the set does not have is an error with the file and the segment', () => {
    const [first, ...rest] = set.scenes
    const wrong = { ...first!, segments: [{ id: 77, category: 4, isCrowd: false, area: 9 }] }
    expect(() => trainBatches({ ...set, scenes: [wrong, ...rest] }, WHOLE).next()).toThrow(
      '0.png: segment 77 has class 4, but there are classes 0 to 3',
    )
  })
})
