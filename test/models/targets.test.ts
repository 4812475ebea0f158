import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { makeTargets, scaledTargets, type Labelled } from '../../src/models/targets.ts'
import { CATEGORIES, drawnSet, rectangles, type DrawnScene } from '../data/drawn_set.ts'

const CAT = { category: 1, isCrowd: false }
const CROWD = { category: 1, isCrowd: true }
const ROAD = { category: 2, isCrowd: false }

function pictureOf(drawn: DrawnScene): Labelled {
  const set = drawnSet([drawn])
  return { height: drawn.height, width: drawn.width, labels: set.labels, segments: set.scenes[0]!.segments }
}

describe('makeTargets', () => {
  test('agrees with the target generator of detectron2', () => {
    const fixture = JSON.parse(readFileSync(new URL('../fixtures/detectron2_targets.json', import.meta.url), 'utf8'))
    const picture = { ...fixture, labels: Uint16Array.from(fixture.labels) }
    const targets = makeTargets(picture, fixture.categories, fixture.options)

    expect([...targets.semantic]).toEqual(fixture.semantic)
    expect([...targets.centerWeights]).toEqual(fixture.centerWeights)
    expect([...targets.offsetWeights]).toEqual(fixture.offsetWeights)
    // Where the class is ignored, detectron2's weight has no effect; ours is 0.
    const weights = fixture.semanticWeights.map((weight: number, i: number) => (fixture.semantic[i] < 0 ? 0 : weight))
    expect([...targets.semanticWeights]).toEqual(weights)
    for (const name of ['center', 'offset'] as const) {
      const furthest = Math.max(...fixture[name].map((value: number, i: number) => Math.abs(value - targets[name][i]!)))
      expect(furthest).toBeLessThan(1e-6)
    }
  })

  test('a centre half way between two pixels lies on the even one, as Python rounds', () => {
    // Columns 0..1 have their mean at 0.5, columns 1..2 at 1.5.
    for (const [x, peak] of [
      [0, 0],
      [1, 2],
    ] as const) {
      const labelAt = rectangles([{ y: 1, x, height: 1, width: 2 }])
      const { center, offset } = makeTargets(pictureOf({ height: 3, width: 6, labelAt, segments: [CAT] }), CATEGORIES, {
        sigma: 1,
      })
      expect(center.indexOf(1)).toBe(6 + peak)
      // Offsets lead to the mean itself.
      expect(offset[18 + 6 + x]).toBe(0.5)
    }
  })

  test('void, unlisted and crowd pixels weigh nothing, and a crowd keeps its class where it is asked to', () => {
    const picture = pictureOf({ height: 1, width: 4, labelAt: (_, x) => [0, 65535, 1, 2][x]!, segments: [CROWD, ROAD] })
    const ignored = makeTargets(picture, CATEGORIES)
    expect([...ignored.semantic]).toEqual([-1, -1, -1, 2])
    expect([...ignored.semanticWeights]).toEqual([0, 0, 0, 1])
    expect([...ignored.centerWeights]).toEqual([0, 0, 0, 1])
    expect([...ignored.offsetWeights]).toEqual([0, 0, 0, 0])
    const kept = makeTargets(picture, CATEGORIES, { ignoreCrowd: false, smallInstanceArea: 0 })
    expect([...kept.semantic]).toEqual([-1, -1, 1, 2])
    expect([...kept.semanticWeights]).toEqual([0, 0, 1, 1])
    expect([...kept.centerWeights]).toEqual([0, 0, 0, 1])
  })

  test('small instances weigh more, small stuff does not', () => {
    const labelAt = rectangles([
      { y: 0, x: 0, height: 2, width: 2 },
      { y: 0, x: 2, height: 2, width: 3 },
      { y: 0, x: 5, height: 1, width: 1 },
    ])
    const picture = pictureOf({ height: 2, width: 6, labelAt, segments: [CAT, CAT, ROAD] })
    const { semanticWeights } = makeTargets(picture, CATEGORIES, { smallInstanceArea: 5, smallInstanceWeight: 7 })
    expect([...semanticWeights.subarray(0, 6)]).toEqual([7, 7, 1, 1, 1, 1])
  })

  test('with a stride, upsampled offsets lead every inner pixel to the very centre', () => {
    const [height, width, stride] = [24, 32, 4]
    const picture = pictureOf({ height, width, labelAt: () => 1, segments: [CAT] })
    const { offset } = makeTargets(picture, CATEGORIES, { stride })
    const [rows, columns] = [height / stride, width / stride]
    // Bilinear with half-pixel centres, along rows only: offsets of one instance do not change along columns.
    for (let y = 2; y < height - 2; y++) {
      const position = (y + 0.5) / stride - 0.5
      const [row, share] = [Math.floor(position), position - Math.floor(position)]
      const below = Math.min(rows - 1, row + 1)
      const upsampled = (1 - share) * offset[row * columns]! + share * offset[below * columns]!
      expect(y + upsampled).toBeCloseTo((height - 1) / 2, 5)
    }
  })

  test('with a stride, a cell takes the label of its middle pixel and the heat of its middle', () => {
    const picture = pictureOf({
      height: 8,
      width: 8,
      labelAt: (y, x) => (y === 2 && x === 6 ? 1 : 2),
      segments: [CAT, ROAD],
    })
    const targets = makeTargets(picture, CATEGORIES, { stride: 4, sigma: 2 })
    expect([...targets.semantic]).toEqual([2, 1, 2, 2])
    expect([...targets.offsetWeights]).toEqual([0, 1, 0, 0])
    // The middles of the cells are at 1.5 and 5.5, the centre is at row 2, column 6.
    expect(targets.center[1]).toBeCloseTo(Math.exp(-(0.5 ** 2 + 0.5 ** 2) / 8), 6)
    expect(targets.center[2]).toBeCloseTo(Math.exp(-(3.5 ** 2 + 4.5 ** 2) / 8), 6)
    expect([targets.offset[1], targets.offset[4 + 1]]).toEqual([0.5, 0.5])
  })

  test('a segment that lies outside the crop leaves no trace', () => {
    const picture = pictureOf({ height: 2, width: 2, labelAt: () => 2, segments: [CAT, ROAD] })
    expect(Math.max(...makeTargets(picture, CATEGORIES).center)).toBe(0)
  })
})

test('options in proportion are those that the demo was calibrated with', () => {
  expect(scaledTargets(64, 64)).toEqual({ sigma: 4, smallInstanceArea: 32 })
  expect(scaledTargets(128, 128, 12.8).sigma).toBe(4)
  expect(scaledTargets(512, 1024).smallInstanceArea).toBe(4096)
})
