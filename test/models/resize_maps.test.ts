import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutLabels } from '../../src/data/cut.ts'
import { resized, wholeView } from '../../src/data/augment.ts'
import { panopticQuality } from '../../src/eval/pq.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { decodePanoptic, type HeadMaps } from '../../src/models/decode.ts'
import { resizeMaps } from '../../src/models/resize_maps.ts'
import { makeTargets } from '../../src/models/targets.ts'
import { drawnSet, rectangles } from '../data/drawn_set.ts'

/** Every pixel points at one place. */
function pointing(height: number, width: number, at: { y: number; x: number }): HeadMaps {
  const offset = Float32Array.from({ length: 2 * height * width }, (_, i) => {
    const [y, x] = [Math.floor((i % (height * width)) / width), i % width]
    return i < height * width ? at.y - y : at.x - x
  })
  const semantic = Int32Array.from({ length: height * width }, (_, i) => i)
  return { height, width, semantic, center: new Float32Array(height * width).fill(0.25), offset }
}

test('maps of the own size are left alone', () => {
  const maps = pointing(4, 5, { y: 1, x: 2 })
  expect(resizeMaps(maps, 4, 5)).toBe(maps)
})

test('offsets point at the same place of the image after it is resized', () => {
  const side = fc.integer({ min: 4, max: 20 })
  fc.assert(
    fc.property(side, side, side, side, (height, width, toHeight, toWidth) => {
      const at = { y: 0.3 * height, x: 0.6 * width }
      const maps = resizeMaps(pointing(height, width, at), toHeight, toWidth)
      const place = { y: ((at.y + 0.5) * toHeight) / height - 0.5, x: ((at.x + 0.5) * toWidth) / width - 0.5 }
      // Bilinear repeats the border: what is nearer to it than half a pixel of what was shown cannot be exact.
      const inside = (i: number, from: number, to: number) => {
        const shown = ((i + 0.5) * from) / to
        return shown >= 0.5 && shown <= from - 0.5
      }
      const errors = Array.from(maps.offset, (offset, i) => {
        const [y, x] = [Math.floor((i % (toHeight * toWidth)) / toWidth), i % toWidth]
        if (i < toHeight * toWidth) return inside(y, height, toHeight) ? y + offset - place.y : 0
        return inside(x, width, toWidth) ? x + offset - place.x : 0
      })
      expect(Math.max(...errors.map(Math.abs))).toBeLessThan(1e-3)
      expect(Math.max(...maps.center.map((heat) => Math.abs(heat - 0.25)))).toBeLessThan(1e-6)
    }),
    { numRuns: 50 },
  )
})

test('classes come from the nearest pixel, and so does the foreground', () => {
  const maps = { ...pointing(2, 2, { y: 0, x: 0 }), foreground: Uint8Array.of(1, 0, 0, 1) }
  const { semantic, foreground } = resizeMaps(maps, 4, 4)
  expect([...semantic]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3])
  expect([...foreground!]).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1])
})

test('a perfect network that was shown another size finds every segment of the image', () => {
  const segments = [{ category: 2, isCrowd: false }, { category: 1, isCrowd: false }, { category: 3, isCrowd: false }] // prettier-ignore
  const boxes = [{ y: 0, x: 0, height: 48, width: 60 }, { y: 6, x: 8, height: 18, width: 14 }, { y: 20, x: 30, height: 22, width: 25 }] // prettier-ignore
  const set = drawnSet([{ height: 48, width: 60, labelAt: rectangles(boxes), segments }])
  const scene = set.scenes[0]!
  for (const scale of [0.5, 0.7, 1.5]) {
    const [height, width] = [resized(48, scale), resized(60, scale)]
    const labels = new Uint16Array(height * width)
    cutLabels(set, scene, wholeView(height, width, scale), labels)
    const targets = makeTargets({ height, width, labels, segments: scene.segments }, set.categories, { sigma: 3 })
    const maps = resizeMaps({ height, width, ...targets }, 48, 60)
    const found = decodePanoptic(maps, set.categories, { stuffArea: 10 })
    const counts = scoreScene(set, 0, found)
    expect([...counts.fn]).toEqual([0, 0, 0, 0])
    expect(panopticQuality(counts, set.categories).All.sq).toBeGreaterThan(0.85)
  }
})
