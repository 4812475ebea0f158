import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Category } from '../../src/data/image_set.ts'
import { decodePanoptic, type HeadMaps } from '../../src/models/decode.ts'
import { instanceWeights, type InstanceEvidence } from '../../src/models/instance_weighting.ts'
import { stream } from '../../src/rng.ts'

const categories: readonly Category[] = [
  { id: 1, name: 'road', isThing: false },
  { id: 2, name: 'car', isThing: true },
  { id: 3, name: 'bus', isThing: true },
]

/** A row of 16 pixels: road, an instance of 8 pixels in the middle that were predicted as `classes`. */
function row(predictedClasses: readonly number[], targetClasses: readonly number[]): InstanceEvidence {
  const predicted = Int32Array.of(0, 0, 0, 0, ...predictedClasses, 0, 0, 0, 0)
  const target = Int32Array.of(0, 0, 0, 0, ...targetClasses, 0, 0, 0, 0)
  const center = new Float32Array(16)
  center[8] = 1
  const maps: HeadMaps = { height: 1, width: 16, semantic: predicted, center, offset: new Float32Array(32) }
  return { panoptic: decodePanoptic(maps, categories, { stuffArea: 0 }), predicted, target, classes: 3 }
}

const [CAR, BUS] = [1, 2]
const cars = Array<number>(8).fill(CAR)
const halfBus = [...Array<number>(4).fill(CAR), ...Array<number>(4).fill(BUS)]

describe('the cross-entropy map', () => {
  const weights = (evidence: InstanceEvidence, floor = 0) => instanceWeights({ kind: 'cross_entropy', floor }, evidence)
  const around = (inside: number, outside = 0) => {
    return Array.from({ length: 16 }, (_, i) => expect.closeTo(i >= 4 && i < 12 ? inside : outside, 4))
  }

  test('is 0 for an instance that is right, and for stuff', () => {
    expect([...weights(row(cars, cars))]).toEqual(Array(16).fill(0))
  })

  test('is the logarithm of the share that was predicted right', () => {
    expect([...weights(row(halfBus, cars))]).toEqual(around(Math.log(2)))
    expect([...weights(row([...cars.slice(1), BUS], cars))]).toEqual(around(Math.log(8 / 7)))
  })

  test('is about 16.1 for an instance of a class that is wholly wrong', () => {
    expect([...weights(row(cars, Array(8).fill(BUS)))]).toEqual(around(-Math.log(1e-7)))
  })

  test('compares histograms, not pixels: the same classes elsewhere in the instance cost their entropy', () => {
    expect([...weights(row(halfBus, halfBus.toReversed()))]).toEqual(around(Math.log(2)))
  })

  test('leaves ignored pixels out, and an instance without any label', () => {
    expect([...weights(row(halfBus, [...Array<number>(4).fill(-1), ...cars.slice(4)]))]).toEqual(around(Math.log(2)))
    expect([...weights(row(halfBus, Array(8).fill(-1)))]).toEqual(around(0))
  })

  test('with a floor is nowhere below it, so that what was missed is learned from as well', () => {
    expect([...weights(row(halfBus, cars), 1)]).toEqual(around(1, 1))
    expect([...weights(row(cars, Array(8).fill(BUS)), 1)]).toEqual(around(-Math.log(1e-7), 1))
  })
})

test('the inconsistency map is 1 where a pixel is not of the class of its instance', () => {
  const evidence = row([CAR, CAR, BUS, CAR, CAR, BUS, CAR, CAR], cars)
  const expected = Array.from({ length: 16 }, (_, i) => Number(i === 6 || i === 9))
  expect([...instanceWeights({ kind: 'inconsistency' }, evidence)]).toEqual(expected)
  expect([...instanceWeights({ kind: 'inconsistency', floor: 0.5 }, evidence)]).toEqual(expected.map((x) => x || 0.5))
})

test('both maps are what their definitions give pixel by pixel, for any prediction', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(0, 0.3), (seed, floor) => {
      const evidence = randomEvidence(seed, 12)
      for (const kind of ['cross_entropy', 'inconsistency'] as const) {
        const expected = naive(kind, floor, evidence)
        const actual = instanceWeights({ kind, floor }, evidence)
        for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 4)
      }
    }),
    { numRuns: 50 },
  )
})

test('a map can be written where a batch has room for it', () => {
  const evidence = row(halfBus, cars)
  const batch = new Float32Array(48).fill(7)
  instanceWeights({ kind: 'cross_entropy' }, evidence, batch.subarray(16, 32))
  expect([...batch.subarray(16, 32)]).toEqual([...instanceWeights({ kind: 'cross_entropy' }, evidence)])
  expect([...batch.subarray(0, 16), ...batch.subarray(32)]).toEqual(Array(32).fill(7))
})

function randomEvidence(seed: number, side: number): InstanceEvidence {
  const rng = stream(seed, 'evidence')
  const pixels = side * side
  const predicted = Int32Array.from({ length: pixels }, () => rng.below(3))
  const maps = {
    height: side,
    width: side,
    semantic: predicted,
    center: Float32Array.from({ length: pixels }, () => rng.uniform() ** 8),
    offset: Float32Array.from({ length: 2 * pixels }, () => 3 * rng.normal()),
  }
  const target = Int32Array.from({ length: pixels }, () => rng.below(4) - 1)
  return { panoptic: decodePanoptic(maps, categories, { stuffArea: 0 }), predicted, target, classes: 3 }
}

/** The definition, one pixel after another. */
function naive(kind: 'cross_entropy' | 'inconsistency', floor: number, evidence: InstanceEvidence): number[] {
  const { panoptic, predicted, target, classes } = evidence
  return Array.from(panoptic.labels, (label, pixel) => {
    const segment = panoptic.segments[label - 1]
    if (!segment?.isThing) return floor
    if (kind === 'inconsistency') return Math.max(floor, segment.category === predicted[pixel] ? 0 : 1)
    const members = [...panoptic.labels.keys()].filter((i) => panoptic.labels[i] === label)
    const labelled = members.filter((i) => target[i]! >= 0)
    let sum = 0
    for (let c = 0; c < classes && labelled.length > 0; c++) {
      const y = labelled.filter((i) => target[i] === c).length / labelled.length
      const predictedShare = members.filter((i) => predicted[i] === c).length / members.length
      sum -= y * Math.log(predictedShare + 1e-7)
    }
    return Math.max(floor, sum)
  })
}
