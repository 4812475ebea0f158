import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { drawView, resized, wholeView, type AugmentOptions, type View } from '../../src/data/augment.ts'
import { cutImage, cutLabels } from '../../src/data/cut.ts'
import type { ImageSet } from '../../src/data/image_set.ts'
import type { Normalisation } from '../../src/data/normalisation.ts'
import { stream } from '../../src/rng.ts'
import { drawnSet } from './drawn_set.ts'

/** Inputs are the bytes themselves. */
const BYTES = { mean: [0, 0, 0], deviation: [1 / 255, 1 / 255, 1 / 255] } as const

/** Two scenes, so that one of them does not begin at the set's first pixel. */
function gridSet(height: number, width: number): ImageSet {
  return drawnSet([
    { height: 3, width: 5, labelAt: () => 99 },
    { height, width, labelAt: (y, x) => ((7 * y + 3 * x) % 11) + 1 },
  ])
}

/** Where the crops of images of that height begin. */
function tops(height: number, crop: number): Set<number> {
  const draw = (seed: number) => drawView({ height, width: 9 }, { height: crop, width: 9 }, stream(seed, 'view')).top
  return new Set(Array.from({ length: 300 }, (_, seed) => draw(seed)))
}

function cut(set: ImageSet, view: View, normalisation: Normalisation = BYTES) {
  const labels = new Uint16Array(view.height * view.width).fill(77)
  const image = new Float32Array(3 * view.height * view.width).fill(77)
  cutLabels(set, set.scenes.at(-1)!, view, labels)
  cutImage(set, set.scenes.at(-1)!, view, normalisation, image)
  return { labels, image }
}

const side = fc.integer({ min: 1, max: 24 })

describe('a cropped and mirrored view', () => {
  test('shows under every label the very pixel that the label is for, and void on padding', () => {
    fc.assert(
      fc.property(side, side, side, side, fc.integer(), (height, width, cropHeight, cropWidth, seed) => {
        const set = gridSet(height, width)
        const view = drawView({ height, width }, { height: cropHeight, width: cropWidth }, stream(seed, 'view'))
        const { labels, image } = cut(set, view)
        const plane = cropHeight * cropWidth
        const scene = set.scenes[1]!
        const shown = new Set<number>()
        const isRight = (label: number, i: number): boolean => {
          // Red is the label, green the row and blue the column of the source.
          const byte = (channel: number) => Math.round(image[i + channel * plane]!)
          const [red, row, column] = [byte(0), byte(1), byte(2)]
          if (label === 0) return red === 0 && row === 0 && column === 0
          shown.add(row * width + column)
          const x = view.isFlipped ? cropWidth - 1 - (i % cropWidth) : i % cropWidth
          const isPlaced = row === Math.floor(i / cropWidth) + view.top && column === x + view.left
          return isPlaced && label === red && label === set.labels[scene.at + row * width + column]
        }
        expect([...labels].findIndex((label, i) => !isRight(label, i))).toBe(-1)
        expect(shown.size).toBe(Math.min(height, cropHeight) * Math.min(width, cropWidth))
      }),
      { numRuns: 200 },
    )
  })

  test('is mirrored about half of the time, and never where flipping is off', () => {
    const options = { height: 8, width: 8 }
    const draw = (flip: boolean) =>
      Array.from({ length: 400 }, (_, i) => drawView(options, { ...options, flip }, stream(i, 'view')))
    const mirrored = draw(true).filter((view) => view.isFlipped).length
    expect(mirrored).toBeGreaterThan(150)
    expect(mirrored).toBeLessThan(250)
    expect(draw(false).some((view) => view.isFlipped)).toBe(false)
  })

  test('reaches every place, the first and the last included', () => {
    expect(tops(10, 6)).toEqual(new Set([0, 1, 2, 3, 4]))
    expect(tops(6, 8)).toEqual(new Set([-2, -1, 0]))
  })

  test('depends on the stream alone, and an option leaves the other draws as they are', () => {
    const options: AugmentOptions = { height: 8, width: 8, scale: [0.5, 2], light: 0.2, colour: 0.5 }
    const draw = (changes: Partial<AugmentOptions> = {}) =>
      drawView({ height: 32, width: 40 }, { ...options, ...changes }, stream(5, 'view'))
    expect(draw()).toEqual(draw())
    expect(draw({ flip: false })).toEqual({ ...draw(), isFlipped: false })
    expect(draw({ light: 0 })).toEqual({ ...draw(), contrast: 1, brightness: 0 })
    expect(draw({ colour: 0 })).toEqual({ ...draw(), saturation: 1, hue: expect.closeTo(0, 12) })
  })
})

describe('a resized view', () => {
  test('keeps picture and labels aligned at every factor: what is whiter than grey has the label of white', () => {
    const scale = fc.double({ min: 0.1, max: 2, noNaN: true })
    fc.assert(
      fc.property(side, fc.boolean(), scale, fc.boolean(), fc.integer(), (edge, isVertical, scale, isTinted, seed) => {
        // One edge, across rows or columns; label 2 is white, label 1 black.
        const labelAt = (y: number, x: number) => ((isVertical ? x : y) < edge ? 1 : 2)
        const set = drawnSet([{ height: 24, width: 24, labelAt }])
        for (const [i, label] of set.labels.entries()) set.pixels.fill(label === 2 ? 255 : 0, 3 * i, 3 * i + 3)
        const options = { height: 20, width: 20, scale: [scale, scale], colour: isTinted ? 0.5 : 0 } as const
        const view = drawView({ height: 24, width: 24 }, options, stream(seed, 'view'))
        const { labels, image } = cut(set, view)
        // By label: padding, black, white. Half way between two pixels the nearest is either.
        const ranges = [[0, 0], [-0.1, 127.6], [127.4, 255.1]] as const // prettier-ignore
        const isRight = (value: number, label: number) => value >= ranges[label]![0] && value <= ranges[label]![1]
        expect([...labels].findIndex((label, i) => !isRight(image[i]!, label))).toBe(-1)
      }),
      { numRuns: 300 },
    )
  })

  test('covers the whole image whatever it is shrunk to: its mean stays', () => {
    const shrinking = fc.double({ min: 0.03, max: 1, noNaN: true })
    fc.assert(
      fc.property(side, side, shrinking, fc.boolean(), (height, width, scale, isFlipped) => {
        const set = gridSet(height, width)
        const [rows, columns] = [resized(height, scale), resized(width, scale)]
        const { image } = cut(set, { ...wholeView(rows, columns, scale), isFlipped })
        const pixels = set.pixels.subarray(3 * set.scenes[1]!.at)
        for (const channel of [0, 1, 2]) {
          const plane = image.subarray(channel * rows * columns, (channel + 1) * rows * columns)
          expect(mean(plane)).toBeCloseTo(mean(pixels.filter((_, i) => i % 3 === channel)), 3)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('turns stripes of one pixel into an even grey instead of aliases', () => {
    const set = drawnSet([{ height: 64, width: 64, labelAt: (_, x) => x % 2 }])
    for (const [i, label] of set.labels.entries()) set.pixels.fill(255 * label, 3 * i, 3 * i + 3)
    for (const value of cut(set, wholeView(16, 16, 0.25)).image) expect(value).toBeCloseTo(127.5, 3)
    // 6 pixels of 10.67 each, of which 5 to 6 are white.
    for (const value of cut(set, wholeView(6, 6, 0.1)).image) expect(Math.abs(value - 127.5)).toBeLessThan(12)
  })

  test('twice as large shows every pixel four times', () => {
    const set = gridSet(3, 4)
    const { labels } = cut(set, wholeView(6, 8, 2))
    const original = set.labels.subarray(set.scenes[1]!.at)
    for (const [i, label] of labels.entries()) expect(label).toBe(original[(i >> 4) * 4 + ((i % 8) >> 1)])
  })
})

describe('what a network sees', () => {
  test('is normalised by channel, and padding is 0', () => {
    const set = gridSet(2, 2)
    const { image } = cut(set, wholeView(3, 2), { mean: [0.5, 0, 1], deviation: [0.25, 1, 2] })
    const red = set.labels[set.scenes[1]!.at + 3]! / 255
    expect(image[3]).toBeCloseTo((red - 0.5) / 0.25, 6)
    expect(image[6 + 3]).toBeCloseTo(1 / 255, 6)
    expect(image[12 + 3]).toBeCloseTo((1 / 255 - 1) / 2, 6)
    expect([4, 5, 10, 11, 16, 17].map((i) => image[i])).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('gets brighter and darker around mid-grey, and stays within the range of a photograph', () => {
    const set = gridSet(1, 1)
    set.pixels.set([0, 128, 255], 3 * set.scenes[1]!.at)
    const { image } = cut(set, { ...wholeView(1, 1), contrast: 0.5, brightness: 0.1 })
    for (const [channel, share] of [0.35, 0.5 + 0.5 * (128 / 255 - 0.5) + 0.1, 0.85].entries()) {
      expect(image[channel]).toBeCloseTo(255 * share, 3)
    }
    expect([...cut(set, { ...wholeView(1, 1), contrast: 2, brightness: 0 }).image]).toEqual([
      0,
      expect.closeTo(128.5, 3),
      255,
    ])
  })

  test('has its colours turned and faded, of which greys know nothing', () => {
    const set = drawnSet([{ height: 1, width: 2, labelAt: () => 0 }])
    set.pixels.set([200, 100, 50, 90, 90, 90])
    const seen = (change: Partial<View>) => {
      const { image } = cut(set, { ...wholeView(1, 2), ...change })
      for (const grey of [1, 3, 5]) expect(image[grey]).toBeCloseTo(90, 2)
      return [image[0]!, image[2]!, image[4]!].map((value) => Math.round(value))
    }
    const luma = Math.round(0.213 * 200 + 0.715 * 100 + 0.072 * 50)
    expect(seen({ saturation: 0 })).toEqual([luma, luma, luma])
    expect(seen({ saturation: 1.2 })).toEqual([216, 96, 36])
    // The matrix hueRotate(180deg) of the W3C's Filter Effects: brown becomes blue of the same brightness.
    expect(seen({ hue: 0.5 })).toEqual([35, 135, 185])
    expect(seen({ hue: 1 - 1e-12 })).toEqual([200, 100, 50])
  })
})

function mean(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length
}
