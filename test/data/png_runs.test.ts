import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeIds, type IdImage } from '../../src/data/png.ts'
import { encodeIds } from '../../src/data/png_encode.ts'
import { decodeIdRuns, type IdRuns } from '../../src/data/png_runs.ts'
import { filterRows, rawPng } from './raw_png.ts'

/** Labels as they are: few ids, in runs, mostly those of the row above. */
const labels: fc.Arbitrary<IdImage> = fc
  .record({ width: fc.integer({ min: 1, max: 50 }), height: fc.integer({ min: 1, max: 20 }) })
  .chain(({ width, height }) =>
    fc.record({
      size: fc.constant({ width, height }),
      ids: fc.array(fc.oneof(fc.constantFrom(0, 1, 255, 256, 0xffffff), fc.nat(0xffffff)), { minLength: 1, maxLength: 6 }), // prettier-ignore
      changes: fc.array(fc.record({ from: fc.nat(width * height), to: fc.nat(width * height), id: fc.nat(5) }), { maxLength: 30 }), // prettier-ignore
    }),
  )
  .map(({ size: { width, height }, ids, changes }) => {
    const image = { width, height, ids: new Uint32Array(width * height) }
    for (const { from, to, id } of changes)
      image.ids.fill(ids[id % ids.length]!, Math.min(from, to), Math.max(from, to))
    return image
  })

test('the runs of any label PNG are its pixels, whatever the filters, in RGB and RGBA', () => {
  fc.assert(
    fc.property(labels, fc.infiniteStream(fc.nat(4)), fc.constantFrom(3, 4), (image, filters, step) => {
      const { width, height } = image
      const bytes = Uint8Array.from([...image.ids].flatMap((id) => [id, id >> 8, id >> 16, 255].slice(0, step)))
      const raw = filterRows(bytes, width * step, step, [...filters.take(height)])
      const png = rawPng({ width, height, type: step === 3 ? 2 : 6, raw })
      expect(pixelsOf(decodeIdRuns(png, 'a.png'))).toEqual(decodeIds(png, 'a.png'))
    }),
    { numRuns: 600, seed: 7 },
  )
})

test('any bytes at all, and alpha that changes, give the pixels too', () => {
  const size = { width: fc.integer({ min: 1, max: 20 }), height: fc.integer({ min: 1, max: 8 }) }
  fc.assert(
    fc.property(
      fc.record(size),
      fc.infiniteStream(fc.nat(255)),
      fc.constantFrom(3, 4),
      ({ width, height }, stream, step) => {
        // prettier-ignore
        const bytes = [...stream.take(height * (width * step + 1))]
        const raw = Uint8Array.from(bytes, (byte, i) => (i % (width * step + 1) === 0 ? byte % 5 : byte * (byte % 3)))
        const png = rawPng({ width, height, type: step === 3 ? 2 : 6, raw })
        expect(pixelsOf(decodeIdRuns(png, 'a.png'))).toEqual(decodeIds(png, 'a.png'))
      },
    ),
    { numRuns: 300, seed: 8 },
  )
})

test('neighbouring runs differ, so that equal images have equal runs', () => {
  fc.assert(
    fc.property(labels, (image) => {
      const { ids, ends } = decodeIdRuns(encodeIds(image), 'a.png')
      expect(ids.every((id, i) => i === 0 || id !== ids[i - 1])).toBe(true)
      expect(ends.every((end, i) => end > (ends[i - 1] ?? 0))).toBe(true)
      expect(ends.at(-1)).toBe(image.width * image.height)
    }),
    { numRuns: 100, seed: 9 },
  )
})

describe('PNGs that hold no segment ids are refused by their kind, as by the dense decoder', () => {
  test.each([
    ['a grayscale PNG', { type: 0 }],
    ['a palette PNG', { type: 3 }],
    ['a PNG of 16 bits a channel', { depth: 16 }],
    ['an interlaced PNG', { interlace: 1 }],
  ])('%s', (kind, wrong) => {
    const png = rawPng({ width: 2, height: 2, raw: new Uint8Array(14), ...wrong })
    expect(() => decodeIdRuns(png, 'a.png')).toThrow(`a.png: ${kind}; segment ids need an RGB PNG`)
  })

  test('a header that promises more than its bytes can hold', () => {
    const png = rawPng({ width: 11_000, height: 11_000, raw: new Uint8Array(4) })
    expect(() => decodeIdRuns(png, 'a.png')).toThrow('cannot hold the 363011000 that its header promises')
  })
})

const folders = ['../shared/fixtures/pq/12_png_filters/gt', '../shared/fixtures/pq/12_png_filters/pred', '../shared/data/coco200/panoptic_val', '../shared/data/pq_samples/bdd100k_two/gt'] // prettier-ignore
if (!existsSync(folders[0]!)) console.warn('../shared is absent: no real label PNGs are read')

test.each(folders.filter((dir) => existsSync(dir)))('the PNGs of %s', (dir) => {
  const files = readdirSync(dir).filter((name) => name.endsWith('.png'))
  expect(files.length).toBeGreaterThan(0)
  for (const name of files) {
    const bytes = readFileSync(join(dir, name))
    const [runs, pixels] = [pixelsOf(decodeIdRuns(bytes, name)), decodeIds(bytes, name)]
    expect(Buffer.from(runs.ids.buffer).equals(Buffer.from(pixels.ids.buffer))).toBe(true)
  }
})

function pixelsOf({ width, height, ends, ids }: IdRuns): IdImage {
  const pixels = new Uint32Array(width * height)
  for (let i = 0; i < ends.length; i++) pixels.fill(ids[i]!, ends[i - 1] ?? 0, ends[i])
  return { width, height, ids: pixels }
}
