import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeClasses } from '../../src/data/class_png.ts'
import { filterRows, rawPng } from './raw_png.ts'

const GRAY = 0
const PALETTE = 3
const kinds = [
  { type: GRAY, depth: 8 },
  { type: GRAY, depth: 16 },
  { type: PALETTE, depth: 1 },
  { type: PALETTE, depth: 2 },
  { type: PALETTE, depth: 4 },
  { type: PALETTE, depth: 8 },
] as const

test.each(kinds)('classes of type $type and $depth bits are read, whatever the filters', ({ type, depth }) => {
  const images = fc
    .record({ width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 6 }) })
    .chain(({ width, height }) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        classes: fc.array(fc.nat(2 ** depth - 1), { minLength: width * height, maxLength: width * height }),
        filters: fc.array(fc.nat(4), { minLength: height, maxLength: height }),
      }),
    )
  fc.assert(
    fc.property(images, ({ width, height, classes, filters }) => {
      const rowBytes = Math.ceil((width * depth) / 8)
      const bytes = new Uint8Array(rowBytes * height)
      for (const [i, value] of classes.entries()) {
        // The bits of a row, one after the other, the highest first.
        for (let b = 0; b < depth; b++) {
          const at = (i % width) * depth + b
          if (value & (1 << (depth - 1 - b))) bytes[Math.floor(i / width) * rowBytes + (at >> 3)]! |= 0x80 >> (at & 7)
        }
      }
      const raw = filterRows(bytes, rowBytes, Math.ceil(depth / 8), filters)
      expect(decodeClasses(rawPng({ width, height, type, depth, raw }), 'a.png')).toEqual({
        width,
        height,
        classes: Uint16Array.from(classes),
      })
    }),
    { numRuns: 60 },
  )
})

describe('what holds no classes is refused by name', () => {
  test.each([
    ['a RGB PNG', { type: 2 }],
    ['a RGBA PNG', { type: 6 }],
    ['a grayscale with alpha PNG', { type: 4 }],
    ['a grayscale PNG of 4 bits', { type: GRAY, depth: 4 }],
    ['a palette PNG of 16 bits', { type: PALETTE, depth: 16 }],
    ['an interlaced PNG', { type: GRAY, interlace: 1 }],
  ])('%s', (kind, options) => {
    const png = rawPng({ width: 1, height: 1, raw: new Uint8Array(2), ...options })
    expect(() => decodeClasses(png, 'labels/a.png')).toThrow(
      `labels/a.png: ${kind}; class labels need a grayscale PNG of 8 or 16 bits, or one with a palette`,
    )
  })
})
