import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyCounts } from '../../src/eval/pq.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { countSegments, jointHistogram } from '../../src/eval/segments.ts'
import { decodeAggregate } from '../../src/models/decode_aggregate.ts'
import { decodePanoptic, type DecodeOptions, type HeadMaps } from '../../src/models/decode.ts'
import { preaggregate } from '../../src/models/preaggregate.ts'
import { CATEGORIES, drawnSet } from '../data/drawn_set.ts'

const KERNELS = { least: 1, most: 9 }

describe('an aggregate gives the histogram and the counts of the decoded map', () => {
  let comparisons = 0
  let withoutCenters = 0
  let outside = 0

  test.each([
    ['ties everywhere', tiedMaps(), 120],
    ['smooth maps with noise', smoothMaps(), 60],
  ])('on %s', (_, anyMaps, numRuns) => {
    fc.assert(
      fc.property(anyMaps, fc.array(anyOptions, { minLength: 8, maxLength: 8 }), ({ maps, truth }, choices) => {
        const set = drawnSet([{ ...maps, segments: TRUTH, labelAt: (y, x) => truth[y * maps.width + x]! }])
        const [scene] = set.scenes
        const aggregate = preaggregate(maps, set.labels, TRUTH.length, CATEGORIES, KERNELS)
        for (const options of choices) {
          const panoptic = decodePanoptic(maps, CATEGORIES, options)
          const { joint, segments } = decodeAggregate(aggregate, options)
          expect(segments).toEqual(panoptic.segments.map(({ category }) => ({ category })))
          expect(joint).toEqual(jointHistogram(set.labels, panoptic.labels, TRUTH.length, segments.length))
          const counts = emptyCounts(CATEGORIES)
          countSegments(joint, scene!.segments, segments, counts)
          expect(counts).toEqual(scoreScene(set, 0, panoptic))
          comparisons += 1
          if (!panoptic.segments.some(({ isThing }) => isThing)) withoutCenters += 1
        }
        const { height, width, offset } = maps
        outside += offset
          .subarray(0, height * width)
          .filter((dy, i) => Math.abs(dy + Math.floor(i / width)) > height).length
      }),
      { numRuns },
    )
  })

  test('in more than 500 comparisons, some without a centre and with places far outside', () => {
    expect(comparisons).toBeGreaterThan(500)
    expect(withoutCenters).toBeGreaterThan(20)
    expect(outside).toBeGreaterThan(100)
  })
})

test('offsets that are no numbers, infinite or too large to square go to the first centre, as in torch', () => {
  const offset = Float32Array.of(Number.NaN, Infinity, -Infinity, 1e30, 0, 300, 0, 0, 0, -1e30, Number.NaN, 0)
  const center = Float32Array.of(0, 0.5, 0, 0, 0.9, 0)
  const maps = { height: 1, width: 6, semantic: Int32Array.of(1, 1, 1, 1, 1, 1), center, offset }
  const truth = Uint16Array.of(1, 1, 1, 2, 2, 2)
  const panoptic = decodePanoptic(maps, CATEGORIES, { nmsKernel: 3 })
  const { joint } = decodeAggregate(preaggregate(maps, truth, 2, CATEGORIES), { nmsKernel: 3 })
  expect(joint).toEqual(jointHistogram(truth, panoptic.labels, 2, 2))
  expect([...panoptic.labels]).toEqual([1, 1, 1, 1, 1, 2])
})

test('a window that no peaks were gathered for is refused with the range', () => {
  const maps = { height: 1, width: 1, semantic: new Int32Array(1), center: new Float32Array(1), offset: new Float32Array(2) } // prettier-ignore
  const aggregate = preaggregate(maps, Uint16Array.of(1), 1, CATEGORIES, { least: 3, most: 9 })
  expect(() => decodeAggregate(aggregate, { nmsKernel: 11 })).toThrow(/nmsKernel is 11; peaks were gathered for 3 to 9/)
  expect(() => decodeAggregate(aggregate, { nmsKernel: 4 })).toThrow(/nmsKernel is 4, must be an odd/)
  expect(() => preaggregate(maps, Uint16Array.of(1), 1, CATEGORIES, { least: 2, most: 9 })).toThrow(/must be odd/)
})

const TRUTH = [
  { category: 0, isCrowd: false },
  { category: 1, isCrowd: false },
  { category: 1, isCrowd: true },
  { category: 3, isCrowd: false },
]

const anyOptions: fc.Arbitrary<DecodeOptions> = fc.record({
  threshold: fc.constantFrom(-1, 0, 0.1, 0.3, 0.6, 2),
  nmsKernel: fc.constantFrom(1, 3, 5, 9),
  topK: fc.constantFrom(1, 2, 3, 5, 10, 200),
  stuffArea: fc.constantFrom(0, 1, 5, 20, 60),
})

interface Case {
  readonly maps: HeadMaps
  readonly truth: readonly number[]
}

/** Few different values, so that ties in heat, distance and votes are common; offsets lead anywhere. */
function tiedMaps(): fc.Arbitrary<Case> {
  const side = fc.integer({ min: 1, max: 18 })
  return fc.tuple(side, side).chain(([height, width]) => {
    const pixels = height * width
    return fc
      .record({
        semantic: list(fc.constantFrom(0, 1, 2, 3, 1, 3, -1), pixels),
        center: list(fc.constantFrom(0, 0, 0, 0, 0, 0.1, 0.25, 0.5, 0.75, 1), pixels),
        offset: list(fc.oneof({ weight: 9, arbitrary: halves(12) }, { weight: 1, arbitrary: halves(300) }), 2 * pixels),
        foreground: fc.option(list(fc.constantFrom(0, 1), pixels)),
        truth: list(fc.integer({ min: 0, max: TRUTH.length }), pixels),
      })
      .map(({ semantic, center, offset, foreground, truth }) => ({ maps: mapsOf(height, width, semantic, center, offset, foreground), truth })) // prettier-ignore
  })
}

/** Larger maps as a network gives them: hills of heat, offsets that lead near a hill, pixel noise. */
function smoothMaps(): fc.Arbitrary<Case> {
  const hill = fc.record({ y: fc.nat(70), x: fc.nat(90), heat: fc.constantFrom(0.2, 0.5, 0.5, 0.8), reach: fc.integer({ min: 3, max: 16 }) }) // prettier-ignore
  return fc
    .record({ hills: fc.array(hill, { maxLength: 9 }), noise: fc.infiniteStream(fc.integer({ min: -8, max: 8 })) })
    .map(({ hills, noise }) => {
      const [height, width] = [70, 90]
      const pixels = height * width
      const [semantic, center, offset, truth] = [Array.from({ length: pixels }, () => 0), new Float32Array(pixels), new Float32Array(2 * pixels), Array.from({ length: pixels }, () => 1)] // prettier-ignore
      const jitter = Array.from({ length: 97 }, () => noise.next().value / 4)
      for (let i = 0; i < pixels; i++) {
        const [y, x] = [Math.floor(i / width), i % width]
        if (x % 40 < 15) semantic[i] = 2
        for (const [n, hill] of hills.entries()) {
          const square = (hill.y - y) ** 2 + (hill.x - x) ** 2
          center[i] = Math.max(center[i]!, hill.heat * Math.exp(-square / 18))
          if (square > hill.reach ** 2) continue
          semantic[i] = n % 2 === 0 ? 1 : 3
          truth[i] = 1 + (n % TRUTH.length)
          offset[i] = hill.y - y + jitter[i % 97]!
          offset[i + pixels] = hill.x - x + jitter[(i * 7) % 97]!
        }
      }
      return { maps: mapsOf(height, width, semantic, center, offset, null), truth }
    })
}

function mapsOf(
  height: number,
  width: number,
  semantic: readonly number[],
  center: ArrayLike<number>,
  offset: ArrayLike<number>,
  foreground: readonly number[] | null,
): HeadMaps {
  const maps = { height, width, semantic: Int32Array.from(semantic), center: Float32Array.from(center), offset: Float32Array.from(offset) } // prettier-ignore
  return foreground ? { ...maps, foreground: Uint8Array.from(foreground) } : maps
}

function halves(most: number): fc.Arbitrary<number> {
  return fc.integer({ min: -2 * most, max: 2 * most }).map((steps) => steps / 2)
}

function list(values: fc.Arbitrary<number>, length: number): fc.Arbitrary<number[]> {
  return fc.array(values, { minLength: length, maxLength: length })
}
