import { describe, expect, test } from 'vitest'
import { evalImages, sceneTurns, type Turn } from '../../src/data/loader.ts'
import { drawnSet } from './drawn_set.ts'

const BYTES = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] } as const

function turns(seed: number, count: number): Turn[] {
  const endless = sceneTurns([3, 5, 8, 9], seed)
  return Array.from({ length: count }, () => endless.next().value)
}

describe('sceneTurns', () => {
  test('has every scene once an epoch, in an order that changes', () => {
    const drawn = turns(1, 40)
    for (let epoch = 0; epoch < 10; epoch++) {
      const own = drawn.filter((turn) => turn.epoch === epoch).map((turn) => turn.scene)
      expect(own.toSorted((a, b) => a - b)).toEqual([3, 5, 8, 9])
    }
    const orders = new Set(Array.from({ length: 10 }, (_, epoch) => drawn.slice(4 * epoch, 4 * epoch + 4).map((turn) => turn.scene).join(' '))) // prettier-ignore
    expect(orders.size).toBeGreaterThan(3)
  })

  test('is the same for the same seed, and another for another', () => {
    expect(turns(1, 40)).toEqual(turns(1, 40))
    expect(turns(1, 40)).not.toEqual(turns(2, 40))
  })
})

describe('evalImages', () => {
  const sizes = [
    [6, 6],
    [6, 5],
    [9, 5],
    [6, 6],
    [5, 6],
  ] as const
  const set = drawnSet(sizes.map(([height, width], n) => ({ height, width, labelAt: () => 10 * (n + 1) })))
  const read = (...args: Parameters<typeof evalImages> extends [unknown, ...infer Rest] ? Rest : never) =>
    [...evalImages(set, ...args)].map((batch) => ({ ...batch, images: batch.images.slice() }))

  test('brings every image once, those that pad to one size together', () => {
    const batches = read(undefined, { size: 2, multiple: 4 })
    expect(batches.map(({ indices, size, height, width }) => [indices, size, height, width])).toEqual([
      [[0, 1], 2, 8, 8],
      [[3, 4], 2, 8, 8],
      [[2], 1, 12, 8],
    ])
    expect(batches.flatMap(({ scenes }) => scenes)).toEqual([0, 1, 3, 4, 2].map((index) => set.scenes[index]))
  })

  test('puts each image into the upper left of its place, on zeros', () => {
    for (const { images, scenes, indices, height, width } of evalImages(set, undefined, {
      size: 3,
      multiple: 4,
      normalisation: BYTES,
    })) {
      for (const [place, scene] of scenes.entries()) {
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            const expected = y < scene.height && x < scene.width ? 10 * (indices[place]! + 1) : 0
            expect(Math.round(images[place * 3 * height * width + y * width + x]!)).toBe(expected)
          }
        }
      }
    }
  })

  test('fills the last batch of a size with blank images, so that shapes stay the same', () => {
    const last = read([0, 3, 4], { size: 2, multiple: 4 })[1]!
    expect([last.size, last.indices]).toEqual([2, [4]])
    expect(last.images.subarray(3 * 64).every((value) => value === 0)).toBe(true)
    expect(last.images.subarray(0, 3 * 64).every((value) => value === 0)).toBe(false)
  })
})
