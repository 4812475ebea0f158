import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { emptyCounts, merge, panopticQuality } from '../../src/eval/pq.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { decodePanoptic, type HeadMaps } from '../../src/models/decode.ts'
import { withOracles } from '../../src/models/oracle.ts'
import { openPostprocessing } from '../../src/models/postprocessing.ts'
import { stream } from '../../src/rng.ts'
import { CATEGORIES, drawnSet, rectangles } from '../data/drawn_set.ts'

const [height, width] = [24, 26]
const all = { semantic: true, foreground: true, center: true, offset: true }
const none = { semantic: false, foreground: false, center: false, offset: false }
const exact = { nmsKernel: 7, stuffArea: 0, topK: 200 }

test('all four oracles give PQ 100 without a least area for stuff, and less with one above the smallest stuff (M6)', () => {
  fc.assert(
    fc.property(scenes, fc.nat(), (drawn, seed) => {
      const set = setOf(drawn)
      const outputs = withOracles(set, noise(set, seed), all)
      const scorer = openPostprocessing(set, outputs)
      expect(scorer.score(exact).pq).toBe(100)
      const stuff = set.scenes.flatMap(({ segments }) => segments).filter(({ category, area, isCrowd }) => !CATEGORIES[category]!.isThing && area > 0 && !isCrowd) // prettier-ignore
      const smallest = Math.min(...stuff.map(({ area }) => area))
      expect(scorer.score({ ...exact, stuffArea: smallest }).pq).toBe(100)
      expect(scorer.score({ ...exact, stuffArea: smallest + 1 }).pq).toBeLessThan(100)
    }),
    { numRuns: 60 },
  )
})

test("without an oracle outputs are the network's, and a scorer gives what decoding and scoring give", () => {
  fc.assert(
    fc.property(
      scenes,
      fc.nat(),
      fc.constantFrom(none, { ...none, semantic: true }, { ...all, offset: false }),
      (drawn, seed, oracles) => {
        // prettier-ignore
        const set = setOf(drawn)
        const network = noise(set, seed)
        const outputs = withOracles(set, network, oracles)
        expect(withOracles(set, network, none)).toEqual(network)
        const options = { threshold: 0.3, nmsKernel: 5, stuffArea: 9, topK: 20 }
        const counts = outputs.map((maps, i) => scoreScene(set, i, decodePanoptic(maps, CATEGORIES, options)))
        const { All } = panopticQuality(counts.reduce(merge, emptyCounts(CATEGORIES)), CATEGORIES)
        expect(openPostprocessing(set, outputs).score(() => options).pq).toBe(100 * All.pq!)
      },
    ),
    { numRuns: 40 },
  )
})

/** Things anywhere, over one another, some of them crowds; sky above, road below, void between. */
const scenes = fc.array(
  fc.array(
    fc.record({
      y: fc.integer({ min: 0, max: 20 }),
      x: fc.integer({ min: 0, max: 22 }),
      height: fc.integer({ min: 1, max: 9 }),
      width: fc.integer({ min: 1, max: 9 }),
      category: fc.constantFrom(1, 3),
      isCrowd: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 8 },
  ),
  { minLength: 1, maxLength: 2 },
)

function setOf(drawn: readonly (typeof scenes extends fc.Arbitrary<infer S> ? S : never)[number][]): ImageSet {
  return drawnSet(
    drawn.map((boxes) => {
      // A listed segment without a pixel would be a miss whatever is predicted.
      const isSeen = Array.from({ length: height * width }, (_, i) => thingAt(boxes, Math.floor(i / width), i % width))
      const seen = boxes.filter((_, n) => isSeen.includes(n + 1))
      return {
        height,
        width,
        segments: [{ category: 0, isCrowd: false }, { category: 2, isCrowd: false }, ...seen],
        labelAt: (y: number, x: number) => {
          const thing = thingAt(seen, y, x)
          return thing > 0 ? thing + 2 : y < 12 ? 1 : y > 13 ? 2 : 0
        },
      }
    }),
  )
}

/** The last column is free of things, so that no stuff is hidden. */
function thingAt(boxes: Parameters<typeof rectangles>[0], y: number, x: number): number {
  return x === width - 1 ? 0 : rectangles(boxes)(y, x)
}

function noise({ scenes: list }: ImageSet, seed: number): HeadMaps[] {
  const rng = stream(seed, 'noise')
  const pixels = height * width
  return list.map(() => ({
    height,
    width,
    semantic: Int32Array.from({ length: pixels }, () => rng.below(CATEGORIES.length)),
    center: Float32Array.from({ length: pixels }, () => rng.uniform()),
    offset: Float32Array.from({ length: 2 * pixels }, () => 4 * rng.normal()),
  }))
}
