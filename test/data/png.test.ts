import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodePhoto } from '../../src/data/photos.ts'
import { decodeIds } from '../../src/data/png.ts'
import { decodeIdRuns } from '../../src/data/png_runs.ts'
import { encodeIds, encodeRgb } from '../../src/data/png_encode.ts'
import { filterRows, pngChunk, rawPng } from './raw_png.ts'

const sizes = { width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) }

/** Images of few ids in runs, as labels are, or of any ids. */
const idImages = fc.record(sizes).chain(({ width, height }) => {
  const id = fc.oneof(fc.constantFrom(0, 1, 255, 256, 65_536, 0xffffff), fc.nat(0xffffff))
  const ids = fc.array(id, { minLength: width * height, maxLength: width * height })
  return ids.map((values) => ({ width, height, ids: Uint32Array.from(values) }))
})

test('ids survive being written and read', () => {
  fc.assert(
    fc.property(idImages, (image) => {
      expect(decodeIds(encodeIds(image), 'a.png')).toEqual(image)
    }),
    { numRuns: 150 },
  )
})

test('a single row and a single column survive', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 300],
    [300, 1],
  ] as const) {
    const image = { width, height, ids: Uint32Array.from({ length: width * height }, (_, i) => i * 50_000) }
    expect(decodeIds(encodeIds(image), 'a.png')).toEqual(image)
  }
})

test('every filter is undone, in RGB and RGBA, whatever the chunks', () => {
  const images = fc.record({ ...sizes, step: fc.constantFrom(3, 4), parts: fc.integer({ min: 1, max: 5 }) })
  const cases = images.chain(({ width, height, step, parts }) =>
    fc.record({
      bytes: fc.uint8Array({ minLength: width * height * step, maxLength: width * height * step }),
      filters: fc.array(fc.nat(4), { minLength: height, maxLength: height }),
      shape: fc.constant({ width, height, step, parts }),
    }),
  )
  fc.assert(
    fc.property(cases, ({ bytes, filters, shape: { width, height, step, parts } }) => {
      const raw = filterRows(bytes, width * step, step, filters)
      const extra = [pngChunk('tEXt', Buffer.from('Comment\0hi')), pngChunk('PLTE', Buffer.from([1, 2, 3]))]
      const png = rawPng({ width, height, type: step === 3 ? 2 : 6, raw, parts, extra })
      const ids = Uint32Array.from({ length: width * height }, (_, i) => {
        return bytes[i * step]! + 256 * bytes[i * step + 1]! + 65_536 * bytes[i * step + 2]!
      })
      expect(decodeIds(png, 'a.png')).toEqual({ width, height, ids })
    }),
    { numRuns: 100 },
  )
})

test('an RGB PNG that we write is the same to another decoder', async () => {
  const pixels = Uint8Array.from({ length: 3 * 31 * 17 }, (_, i) => (i * i * 7) % 256)
  const photo = await decodePhoto(encodeRgb({ width: 31, height: 17, pixels }), 'a.png')
  expect({ ...photo, pixels: Uint8Array.from(photo.pixels) }).toEqual({ width: 31, height: 17, pixels })
})

test('ids that do not fit into 24 bits are not written', () => {
  expect(() => encodeIds({ width: 1, height: 1, ids: Uint32Array.of(2 ** 24) })).toThrow('16777216 does not fit')
})

describe('a PNG that cannot hold segment ids is refused by its kind', () => {
  test.each([
    ['a grayscale PNG', { type: 0 }],
    ['a palette PNG', { type: 3 }],
    ['a grayscale with alpha PNG', { type: 4 }],
    ['a PNG of 16 bits a channel', { depth: 16 }],
    ['an interlaced PNG', { interlace: 1 }],
  ])('%s', (kind, wrong) => {
    const png = rawPng({ width: 2, height: 2, raw: new Uint8Array(14), ...wrong })
    expect(() => decodeIds(png, 'labels/a.png')).toThrow(
      `labels/a.png: ${kind}; segment ids need an RGB PNG of 8 bits a channel`,
    )
  })

  test('a JPEG', () => {
    expect(() => decodeIds(Uint8Array.of(0xff, 0xd8, 0xff), 'a.png')).toThrow('a.png: not a PNG file')
  })
})

describe('a damaged PNG is refused', () => {
  const whole = encodeIds({ width: 20, height: 10, ids: Uint32Array.from({ length: 200 }, (_, i) => i * 77) })

  test('wherever it ends too early', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(() => decodeIds(whole.subarray(0, length), 'a.png')).toThrow(/^a\.png: /)
    }
    expect(() => decodeIds(whole.subarray(0, 60), 'a.png')).toThrow(
      'damaged PNG: it is truncated, it ends after 60 bytes',
    )
  })

  test('whichever byte is flipped, and then by the checksum of its chunk', () => {
    for (let at = 0; at < whole.length; at++) {
      const flipped = Uint8Array.from(whole)
      flipped[at]! ^= 0x20
      expect(() => decodeIds(flipped, 'a.png')).toThrow(/^a\.png: /)
    }
    const flipped = Uint8Array.from(whole)
    flipped[50]! ^= 1
    expect(() => decodeIds(flipped, 'a.png')).toThrow("the checksum of its chunk 'IDAT' at byte 33 is wrong")
  })

  test('when it has fewer or more pixels than its header says', () => {
    const [raw, width] = [new Uint8Array(10 * 61), 20]
    expect(() => decodeIds(rawPng({ width, height: 11, raw }), 'a.png')).toThrow(
      'it has 610 bytes of pixels; its header promises 671',
    )
    expect(() => decodeIds(rawPng({ width, height: 9, raw }), 'a.png')).toThrow('its pixels do not inflate')
  })

  test('before anything large is allocated for pixels that it cannot hold', () => {
    const png = rawPng({ width: 11_000, height: 11_000, raw: new Uint8Array(4) })
    expect(() => decodeIds(png, 'a.png')).toThrow('cannot hold the 363011000 that its header promises')
  })

  test('when it has more than 2^27 pixels, whatever they inflate to', () => {
    const png = rawPng({ width: 2 ** 14, height: 2 ** 13 + 1, raw: new Uint8Array(4) })
    for (const decode of [decodeIds, decodeIdRuns]) expect(() => decode(png, 'a.png')).toThrow('a.png: 16384x8193 pixels; at most 2^27 can be read') // prettier-ignore
  })

  test('when it inflates to more than its header says, without inflating all of it', () => {
    const bomb = deflateSync(new Uint8Array(2 ** 24))
    const header = rawPng({ width: 4, height: 4, raw: new Uint8Array() }).subarray(0, 33)
    const png = Buffer.concat([header, pngChunk('IDAT', bomb), pngChunk('IEND', Buffer.alloc(0))])
    expect(() => decodeIds(png, 'a.png')).toThrow(
      'its pixels do not inflate (Cannot create a Buffer larger than 52 bytes)',
    )
  })

  test('when a row has a filter that does not exist', () => {
    const png = rawPng({ width: 1, height: 2, raw: Uint8Array.of(0, 1, 2, 3, 5, 1, 2, 3) })
    expect(() => decodeIds(png, 'a.png')).toThrow('row 1 has filter 5, which does not exist')
  })

  test('when it has a chunk that no reader may skip', () => {
    const png = rawPng({ width: 1, height: 1, raw: new Uint8Array(4), extra: [pngChunk('ABCD', new Uint8Array())] })
    expect(() => decodeIds(png, 'a.png')).toThrow("it has an unknown chunk 'ABCD'")
  })
})

const fixtures = '../shared/fixtures/pq/12_png_filters'

describe.skipIf(!existsSync(fixtures))('the PNGs of the fixtures (skipped where ../shared is absent)', () => {
  test('decode to what libvips decodes', async () => {
    for (const file of ['gt', 'pred'].flatMap((dir) =>
      readdirSync(join(fixtures, dir)).map((name) => join(fixtures, dir, name)),
    )) {
      const { ids } = decodeIds(readFileSync(file), file)
      const { pixels } = await decodePhoto(readFileSync(file), file)
      expect(ids).toEqual(ids.map((_, i) => pixels[3 * i]! + 256 * pixels[3 * i + 1]! + 65_536 * pixels[3 * i + 2]!))
    }
  })
})
