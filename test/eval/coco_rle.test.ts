import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { countsOf, pixelsOf, rleFromCounts, rleFromPixels, rleFromString, stringOf } from '../../src/eval/coco_rle.ts'
import { areaOf, boxesOf, maskOverlap } from '../../src/eval/instance_overlap.ts'
import { rleFromPolygon, unionOf } from '../../src/eval/rle_polygon.ts'

const size = fc.record({ height: fc.integer({ min: 1, max: 12 }), width: fc.integer({ min: 1, max: 12 }) })
const masks = size.chain(({ height, width }) => {
  // Mostly one or the other, so that runs are of all lengths.
  const pixels = fc
    .record({ share: fc.nat(10), dice: fc.array(fc.nat(9), { minLength: height * width, maxLength: height * width }) })
    .map(({ share, dice }) => Uint8Array.from(dice, (die) => Number(die < share)))
  return fc.record({ height: fc.constant(height), width: fc.constant(width), a: pixels, b: pixels })
})

test('a mask survives being written and read in every form', () => {
  fc.assert(
    fc.property(masks, ({ height, width, a }) => {
      const rle = rleFromPixels(a, height, width)
      expect(pixelsOf(rle)).toEqual(a)
      expect(rleFromString(stringOf(rle), height, width)).toEqual(rle)
      expect(rleFromCounts(countsOf(rle), height, width)).toEqual(rle)
    }),
  )
})

test('long runs survive, too', () => {
  const counts = [0, 1, 2 ** 28 - 5, 3, 1, 2 ** 27, 2 ** 27]
  const sum = counts.reduce((a, b) => a + b)
  expect(countsOf(rleFromString(stringOf(rleFromCounts(counts, sum, 1)), sum, 1))).toEqual(counts)
})

test('area, box, union and IoU are those of the pixels', () => {
  fc.assert(
    fc.property(masks, ({ height, width, a, b }) => {
      const [first, second] = [rleFromPixels(a, height, width), rleFromPixels(b, height, width)]
      expect(areaOf(first)).toBe(count(a))
      expect([...boxesOf([first])]).toEqual(boxOfPixels(a, width))
      expect(pixelsOf(unionOf([first, second]))).toEqual(a.map((pixel, i) => pixel | b[i]!))
      const both = count(a.map((pixel, i) => pixel & b[i]!))
      const iou = both === 0 ? 0 : both / (count(a) + count(b) - both)
      expect(maskOverlap([first], [second], () => false)(0, 0)).toBe(iou)
      expect(maskOverlap([first], [second], () => true)(0, 0)).toBe(both === 0 ? 0 : both / count(a))
    }),
    { numRuns: 500 },
  )
})

test('masks of different sizes never agree', () => {
  const ones = (height: number, width: number) => rleFromCounts([0, height * width], height, width)
  expect(maskOverlap([ones(3, 4)], [ones(4, 3)], () => false)(0, 0)).toBe(0)
})

/** By `pycocotools.mask.frPyObjects` (cocoapi 8c9bcc3), in an image of 12 x 10. */
test.each([
  ['a triangle', [1, 1, 8.5, 2.25, 3, 9.75], '=2:4L2ON1N2O1Og0'],
  ['one that leaves the image', [-3.5, 4, 6, -2, 14, 7.5, 5, 13], '2652N2O1OT11kN1NO'],
  ['one that crosses itself and is closed twice', [1, 1, 9, 9, 9, 1, 1, 9, 1, 1, 1, 1], '=76N2N2N10O2N2N2:'],
  ['one thinner than a pixel', [2.2, 1, 2.4, 1, 2.4, 9, 2.2, 9], 'h3'],
] as const)('a polygon has the pixels that pycocotools gives it: %s', (_, polygon, expected) => {
  expect(stringOf(rleFromPolygon(polygon, 12, 10))).toBe(expected)
})

describe('damage is named', () => {
  test.each([
    ['?', 'its runs add up to 15 pixels; its size 5x4 makes 20'],
    ['U', 'it is cut short'],
    ['5 5', 'its character 1 is " "'],
    ['O', 'its run 0 has -1 pixels'],
    ['oooooo0', 'the count at character 0 has more than 6 characters'],
  ])('%j', (text, message) => {
    expect(() => rleFromString(text, 5, 4)).toThrow(`damaged RLE: ${message}`)
  })

  test('a count that is no length', () => {
    expect(() => rleFromCounts([1, -1, 20], 5, 4)).toThrow('damaged RLE: its run 1 has -1 pixels')
  })
})

function count(pixels: Uint8Array): number {
  return pixels.reduce((sum, pixel) => sum + pixel, 0)
}

/** x, y, width and height of what is not 0; all 0 where nothing is. */
function boxOfPixels(pixels: Uint8Array, width: number): number[] {
  const inside = [...pixels.keys()].filter((i) => pixels[i] !== 0)
  if (inside.length === 0) return [0, 0, 0, 0]
  const [xs, ys] = [inside.map((i) => i % width), inside.map((i) => Math.floor(i / width))]
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return [left, top, Math.max(...xs) - left + 1, Math.max(...ys) - top + 1]
}
