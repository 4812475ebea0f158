import { existsSync, readdirSync, readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBatch, decodePanoptic, panopticIds, scaledDecoding } from '../../src/models/decode.ts'
import type { DecodeOptions, HeadMaps } from '../../src/models/decode.ts'
import { makeTargets } from '../../src/models/targets.ts'
import { CATEGORIES, drawnSet, rectangles } from '../data/drawn_set.ts'

const FIXTURES = new URL('../../../shared/fixtures/pp/', import.meta.url)
const WITH_FIXTURES = existsSync(FIXTURES)

describe.skipIf(!WITH_FIXTURES)('maps that detectron2 decoded (skipped without ../shared)', () => {
  test.each(WITH_FIXTURES ? readdirSync(FIXTURES) : [])('case %s is the same in every pixel', (name) => {
    const bytes = (file: string) => readFileSync(new URL(`${name}/${file}`, FIXTURES))
    const floats = (file: string) => new Float32Array(new Uint8Array(bytes(file)).buffer)
    const { height, width, thing_ids: things, num_classes: classes, params } = JSON.parse(bytes('case.json').toString())
    const expected = JSON.parse(bytes('expected.json').toString())
    const categories = Array.from({ length: classes }, (_, id) => ({ id, name: `${id}`, isThing: things.includes(id) }))
    const maps = {
      height,
      width,
      semantic: Int32Array.from(bytes('sem.u8')),
      center: floats('ctr.f32'),
      offset: floats('off.f32'),
    }

    const panoptic = decodePanoptic(maps, categories, {
      threshold: params.threshold,
      nmsKernel: params.nms_kernel,
      topK: params.top_k,
      stuffArea: params.stuff_area,
      labelDivisor: params.label_divisor,
    })
    const want = new Int32Array(new Uint8Array(bytes('expected_pan.i32')).buffer)
    expect(Buffer.compare(Buffer.from(panopticIds(panoptic).buffer), Buffer.from(want.buffer))).toBe(0)
    const { '-1': _void = 0, ...areas } = expected.areas
    expect(Object.fromEntries(panoptic.segments.map(({ id, area }) => [`${id}`, area]))).toEqual(areas)
    const found = panoptic.segments.flatMap((segment) =>
      segment.isThing ? [[segment.center.y, segment.center.x]] : [],
    )
    for (const center of found) expect(expected.centers).toContainEqual(center)
  })
})

describe('decodePanoptic', () => {
  test('agrees with the definition on any maps, ties in heat, distance and votes included', () => {
    fc.assert(
      fc.property(mapsAndOptions(), ([maps, options]) => {
        const ids = panopticIds(decodePanoptic(maps, CATEGORIES, options))
        expect([...ids]).toEqual([...idsByDefinition(maps, options)])
      }),
      { numRuns: 300 },
    )
  })

  test('the targets of a scene decode to the scene', () => {
    fc.assert(
      fc.property(thingsOnStuff(), ({ height, width, boxes }) => {
        const segments = [
          { category: 0, isCrowd: false },
          { category: 2, isCrowd: false },
          ...boxes.map(({ category }) => ({ category, isCrowd: false })),
        ]
        // The upper half is sky, the lower half is road.
        const labelOfThing = rectangles(boxes)
        const labelAt = (y: number, x: number) => {
          const thing = labelOfThing(y, x)
          return thing > 0 ? thing + 2 : 2 * y < height ? 1 : 2
        }
        const set = drawnSet([{ height, width, segments, labelAt }])
        const scene = set.scenes[0]!
        const maps = makeTargets({ height, width, labels: set.labels, segments: scene.segments }, CATEGORIES, {
          sigma: 2,
        })
        const stuffArea = 20
        const panoptic = decodePanoptic({ ...maps, height, width }, CATEGORIES, { nmsKernel: 3, stuffArea })

        const isFound = scene.segments.map(({ area, category }) =>
          CATEGORIES[category]!.isThing ? area > 0 : area >= stuffArea,
        )
        expect(panoptic.segments).toHaveLength(isFound.filter(Boolean).length)
        // Each segment of the scene is one segment of the decoded map, or void where it is too small.
        const decodedAs = new Map(Array.from(set.labels, (label, i) => [label, panoptic.labels[i]!] as const))
        expect(set.labels.findIndex((label, i) => decodedAs.get(label) !== panoptic.labels[i])).toBe(-1)
        expect(decodedAs.size).toBe(scene.segments.filter(({ area }) => area > 0).length)
        for (const [label, decoded] of decodedAs) {
          const category = isFound[label - 1] ? scene.segments[label - 1]!.category : undefined
          expect(panoptic.segments[decoded - 1]?.category).toBe(category)
        }
        for (const { id, area } of panoptic.segments) {
          expect(panopticIds(panoptic).filter((other) => other === id)).toHaveLength(area)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('without a centre things are void, and so is what has no class', () => {
    const maps = blank(1, 4, [1, 0, 0, -1])
    expect([...panopticIds(decodePanoptic(maps, CATEGORIES, { stuffArea: 2 }))]).toEqual([-1, 0, 0, -1])
  })

  test('an instance counts within its class and carries its heat', () => {
    const maps = blank(1, 9, [1, 1, 1, 3, 3, 3, 1, 1, 1])
    maps.center.set([0, 0.5, 0, 0, 0.75, 0, 0, 0.25, 0])
    const { segments } = decodePanoptic(maps, CATEGORIES, { nmsKernel: 3 })
    expect(segments.map(({ id, area, ...rest }) => [id, area, rest.isThing && rest.score])).toEqual([
      [1001, 3, 0.5],
      [3001, 3, 0.75],
      [1002, 3, 0.25],
    ])
  })

  test('beside heat that is no number there is no centre, and nothing breaks', () => {
    const maps = blank(1, 5, [1, 1, 1, 1, 1])
    maps.center.set([0.9, Number.NaN, 0, 0, 0.8])
    maps.offset.fill(Number.NaN)
    const { segments } = decodePanoptic(maps, CATEGORIES, { nmsKernel: 3 })
    expect(segments.map(({ area, ...rest }) => [area, rest.isThing && rest.center.x])).toEqual([[5, 4]])
  })

  test.each([
    [{ nmsKernel: 6 }, /nmsKernel is 6, must be an odd whole number/],
    [{ topK: 0 }, /topK is 0/],
    [{ labelDivisor: 100 }, /labelDivisor is 100, less than topK \(200\)/],
  ])('%j is an error', (options, message) => {
    expect(() => decodePanoptic(blank(1, 1, [0]), CATEGORIES, options)).toThrow(message)
  })
})

test('decodeBatch cuts the padding off before it decodes', () => {
  const inner = blank(2, 3, [1, 1, 0, 1, 1, 0])
  inner.center.set([0.9], 0)
  inner.offset.set([0, -1, 0, -1], 0)
  const padded = {
    size: 2,
    height: 4,
    width: 4,
    semantic: new Int32Array(32),
    center: new Float32Array(32),
    offset: new Float32Array(64),
  }
  // The padding around the second image is hot thing all over.
  padded.semantic.fill(1)
  padded.center.fill(1)
  padded.offset.fill(5)
  for (const y of [0, 1]) {
    padded.semantic.set(inner.semantic.subarray(3 * y, 3 * y + 3), 16 + 4 * y)
    padded.center.set(inner.center.subarray(3 * y, 3 * y + 3), 16 + 4 * y)
    padded.offset.set(inner.offset.subarray(3 * y, 3 * y + 3), 32 + 4 * y)
    padded.offset.set(inner.offset.subarray(6 + 3 * y, 6 + 3 * y + 3), 48 + 4 * y)
  }
  const whole = { height: 4, width: 4 }
  const decoded = decodeBatch(padded, [whole, { height: 2, width: 3 }], CATEGORIES, { stuffArea: 1 })
  expect(decoded[1]).toEqual(decodePanoptic(inner, CATEGORIES, { stuffArea: 1 }))
  expect(decoded[0]!.labels).toHaveLength(16)
})

test('options in proportion are those that the demo was calibrated with', () => {
  expect(scaledDecoding(64, 64)).toEqual({ nmsKernel: 7, stuffArea: 41 })
  // Nuclei of about 12 pixels in photographs of 256 x 256.
  expect(scaledDecoding(256, 256, 12.2).nmsKernel).toBe(7)
})

function blank(height: number, width: number, semantic: readonly number[]): HeadMaps {
  const pixels = height * width
  return {
    height,
    width,
    semantic: Int32Array.from(semantic),
    center: new Float32Array(pixels),
    offset: new Float32Array(2 * pixels),
  }
}

/** Maps of few different values, so that ties are common; offsets lead anywhere, out of the image too. */
function mapsAndOptions(): fc.Arbitrary<[HeadMaps, Required<DecodeOptions>]> {
  const maps = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })).chain(([height, width]) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      semantic: list(fc.constantFrom(0, 1, 2, 3, 1, 3), height * width).map((values) => Int32Array.from(values)),
      center: list(fc.constantFrom(0, 0, 0, 0, 0, 0.1, 0.25, 0.5, 0.75, 1), height * width).map((values) =>
        Float32Array.from(values),
      ),
      offset: list(
        fc.integer({ min: -12, max: 12 }).map((steps) => steps / 2),
        2 * height * width,
      ).map((values) => Float32Array.from(values)),
      foreground: fc.option(list(fc.constantFrom(0, 1), height * width).map((values) => Uint8Array.from(values))),
    }),
  )
  const options = fc.record({
    threshold: fc.constantFrom(-1, 0, 0.1, 0.3),
    nmsKernel: fc.constantFrom(1, 3, 5),
    topK: fc.integer({ min: 1, max: 30 }),
    stuffArea: fc.integer({ min: 0, max: 30 }),
    labelDivisor: fc.constant(1000),
  })
  const masked = maps.map(({ foreground, ...rest }): HeadMaps => (foreground ? { ...rest, foreground } : rest))
  return fc.tuple(masked, options)
}

function list(values: fc.Arbitrary<number>, length: number): fc.Arbitrary<number[]> {
  return fc.array(values, { minLength: length, maxLength: length })
}

/** Things whose visible parts have centres at least 3 pixels apart: nearer ones cannot be told apart by any decoder. */
function thingsOnStuff() {
  const box = fc.record({
    y: fc.integer({ min: 0, max: 26 }),
    x: fc.integer({ min: 0, max: 26 }),
    height: fc.integer({ min: 1, max: 12 }),
    width: fc.integer({ min: 1, max: 12 }),
    category: fc.constantFrom(1, 3),
  })
  return fc
    .record({ height: fc.constant(28), width: fc.constant(30), boxes: fc.array(box, { maxLength: 7 }) })
    .filter(({ height, width, boxes }) => {
      const labelAt = rectangles(boxes)
      const pixels = Array.from({ length: height * width }, (_, i) => ({ y: Math.floor(i / width), x: i % width }))
      const centers = boxes.flatMap((_, n) => {
        const own = pixels.filter(({ y, x }) => labelAt(y, x) === n + 1)
        const mean = (axis: 'y' | 'x') => own.reduce((sum, pixel) => sum + pixel[axis], 0) / own.length
        return own.length > 0 ? [{ y: mean('y'), x: mean('x') }] : []
      })
      return centers.every((a, i) => centers.slice(i + 1).every((b) => Math.hypot(a.y - b.y, a.x - b.x) >= 3))
    })
}

/** Panoptic-DeepLab's post-processing, word for word and slowly. */
function idsByDefinition(maps: HeadMaps, options: Required<DecodeOptions>): Int32Array {
  const { height, width, semantic, center, offset, foreground } = maps
  const f = Math.fround
  const reach = (options.nmsKernel - 1) / 2
  const pixels = [...semantic.keys()].map((i) => ({ y: Math.floor(i / width), x: i % width }))
  const kept = [...center].map((heat) => (heat > f(options.threshold) ? heat : -1))
  const peaks = kept.map((heat, i) => {
    const window = pixels.flatMap(({ y, x }, j) =>
      Math.abs(y - pixels[i]!.y) <= reach && Math.abs(x - pixels[i]!.x) <= reach ? [kept[j]!] : [],
    )
    return heat === Math.max(...window) ? heat : -1
  })
  const kth = Math.max(0, peaks.toSorted((a, b) => b - a)[options.topK - 1] ?? -1)
  const centers = pixels.filter((_, i) => peaks[i]! > kth)

  const owners = pixels.map(({ y, x }, i) => {
    const isThing = foreground ? foreground[i] === 1 : CATEGORIES[semantic[i]!]!.isThing
    if (!isThing || centers.length === 0) return -1
    const distances = centers.map((at) => {
      const dy = f(at.y - f(y + offset[i]!))
      const dx = f(at.x - f(x + offset[i + height * width]!))
      return f(Math.sqrt(f(f(dy * dy) + f(dx * dx))))
    })
    return distances.indexOf(Math.min(...distances))
  })
  const ids = new Int32Array(height * width).fill(-1)
  const counts = CATEGORIES.map(() => 0)
  for (const owner of centers.keys()) {
    const votes = CATEGORIES.map(
      (_, category) => owners.filter((other, i) => other === owner && semantic[i] === category).length,
    )
    if (Math.max(...votes) === 0) continue
    const category = votes.indexOf(Math.max(...votes))
    counts[category]! += 1
    for (const [i, other] of owners.entries())
      if (other === owner) ids[i] = category * options.labelDivisor + counts[category]!
  }
  for (const [category, { isThing }] of CATEGORIES.entries()) {
    const members = [...semantic.keys()].filter((i) => semantic[i] === category && owners[i] === -1)
    if (isThing || members.length < options.stuffArea) continue
    for (const i of members) ids[i] = category * options.labelDivisor
  }
  return ids
}
