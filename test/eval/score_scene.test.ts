import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { scoreScene } from '../../src/eval/score_scene.ts'
import { anyPair, categories, score, type Pair } from './images.ts'

test('a scene in memory is counted as the same image in files', () => {
  fc.assert(
    fc.property(anyPair, (pair) => {
      const { truth, prediction } = inMemory(pair)
      const set = setOf([first, truth])
      const counts = scoreScene(set, 1, prediction)
      expect(counts).toEqual(score({ ...pair, truth: truth.segments, prediction: listedAgain(pair) }))
    }),
    { numRuns: 1000, seed: 6 },
  )
})

test('a listed segment that has no pixel is none', () => {
  const prediction = { labels: Uint16Array.of(2, 2), segments: [{ category: 1 }, { category: 0 }] }
  const counts = scoreScene(setOf([first]), 0, prediction)
  expect([...counts.tp]).toEqual([1, 0, 0])
  expect([...counts.fp]).toEqual([0, 0, 0])
})

test('a prediction that does not fit its scene is refused with the image and what was found', () => {
  const set = setOf([first])
  const segments = [{ category: 0 }]
  expect(() => scoreScene(set, 0, { labels: Uint16Array.of(1, 1, 1), segments })).toThrow(
    /image 3: .*3 labels for 2x1 pixels/,
  )
  expect(() => scoreScene(set, 0, { labels: Uint16Array.of(1, 4), segments })).toThrow(
    /image 3: .*label 4 but only 1 segments/,
  )
  expect(() => scoreScene(set, 0, { labels: Uint16Array.of(1, 1), segments: [{ category: 3 }] })).toThrow(
    /image 3: .*category 3; there are 3, counted from 0/,
  )
})

test('the labels of a set in shared memory are scored in place', () => {
  const set = setOf([first])
  const labels = new Uint16Array(new SharedArrayBuffer(2 * set.labels.length))
  labels.set(set.labels)
  const prediction = { labels: Uint16Array.of(1, 1), segments: [{ category: 0 }] }
  expect(scoreScene({ ...set, labels }, 0, prediction)).toEqual(scoreScene(set, 0, prediction))
})

interface SceneLabels {
  readonly width: number
  readonly height: number
  readonly labels: readonly number[]
  readonly segments: Pair['truth']
}

const first: SceneLabels = {
  width: 2,
  height: 1,
  labels: [1, 1],
  segments: [{ id: 5, category: 0, isCrowd: false, area: 2 }],
}

function setOf(scenes: readonly SceneLabels[]): ImageSet {
  let at = 0
  return {
    id: 'test',
    categories,
    scenes: scenes.map(({ width, height, segments }, i) => {
      const scene = { imageId: i + 3, file: `${i}.png`, width, height, at, segments }
      at += width * height
      return scene
    }),
    pixels: new Uint8Array(),
    labels: Uint16Array.from(scenes.flatMap(({ labels }) => labels)),
  }
}

/** The same image as labels; a set never lists id 0 or an undefined category. */
function inMemory(pair: Pair) {
  const segments = pair.truth.filter(({ id, category }) => id !== 0 && category >= 0)
  const labelOf = (id: number) => (id === 0 ? 0 : segments.findIndex((segment) => segment.id === id) + 1 || 0xffff)
  const listed = listedAgain(pair)
  return {
    truth: { width: pair.width, height: pair.height, labels: pair.truthIds.map(labelOf), segments },
    prediction: {
      labels: Uint16Array.from(pair.predictionIds, (id) => listed.findIndex((segment) => segment.id === id) + 1),
      segments: listed.map(({ categoryId }) => ({ category: categories.findIndex(({ id }) => id === categoryId) })),
    },
  }
}

/** Each predicted id but void, ascending, of a known category. */
function listedAgain({ predictionIds }: Pair): Pair['prediction'] {
  const ids = [...new Set(predictionIds)].filter((id) => id !== 0).toSorted((a, b) => a - b)
  return ids.map((id) => ({ id, categoryId: categories[id % 3]!.id }))
}
