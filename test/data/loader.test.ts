import { describe, expect, test } from 'vitest'
import { evalImages, resizeFactor } from '../../src/data/loader.ts'
import { drawnSet } from './drawn_set.ts'

const BYTES = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] } as const

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

describe('resized images', () => {
  // What detectron2's ResizeShortestEdge.get_output_shape gives for height, width, short side, longest side.
  test.each([
    [480, 640, 800, 1333, 800, 1067],
    [427, 640, 800, 1333, 800, 1199],
    [640, 427, 800, 1333, 1199, 800],
    [300, 1000, 800, 1333, 400, 1333],
    [1024, 2048, 512, 4096, 512, 1024],
    [200, 200, 96, 90, 90, 90],
  ])('of %d x %d for %d, at most %d, are %d x %d', (height, width, short, long, ...expected) => {
    const scale = resizeFactor({ height, width }, { short, long })
    expect([height, width].map((length) => Math.round(length * scale))).toEqual(expected)
  })

  test('come with the size that they are shown at, and fill it', () => {
    const set = drawnSet([{ height: 12, width: 30, labelAt: () => 200 }])
    const [batch] = [...evalImages(set, undefined, { multiple: 4, resize: { short: 6 }, normalisation: BYTES })]
    expect(batch).toMatchObject({ height: 8, width: 16, scenes: set.scenes, shown: [{ height: 6, width: 15 }] })
    const red = Array.from({ length: 8 * 16 }, (_, i) => Math.round(batch!.images[i]!))
    expect(red).toEqual(red.map((_, i) => (i < 6 * 16 && i % 16 < 15 ? 200 : 0)))
  })

  test('without a bound on the longer side are as large as the shorter one asks', () => {
    expect(resizeFactor({ height: 10, width: 1000 }, { short: 20 })).toBe(2)
  })
})
