import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { boundaryCounts, boundaryThickness } from '../../src/eval/boundary.ts'
import { interiorOf } from '../../src/eval/interior.ts'
import { stream } from '../../src/rng.ts'
import { boundaryCategories, boundaryScene, type BoundaryScene } from './boundary_scenes.ts'

test('96 images get the counts of boundary-iou-api to the last bit, its quirks included', () => {
  const file = new URL('../fixtures/boundary_pq.json', import.meta.url)
  const { images } = JSON.parse(readFileSync(file, 'utf8')) as { images: Record<string, number[]>[] }
  expect(images).toHaveLength(96)
  for (const [number, expected] of images.entries()) {
    const { iou, tp, fp, fn } = score(boundaryScene(number))
    expect({ number, iou: [...iou], tp: [...tp], fp: [...fp], fn: [...fn] }).toEqual({ number, ...expected })
  }
})

test('a boundary is 2 % of the diagonal thick, halves rounded to even as Python does, and at least a pixel', () => {
  expect(boundaryThickness(100, 75)).toBe(2)
  expect(boundaryThickness(300, 225)).toBe(8)
  expect(boundaryThickness(640, 480)).toBe(16)
  expect(boundaryThickness(1, 1)).toBe(1)
})

test('what is inside is what a square around it says, pixel by pixel', () => {
  for (let run = 0; run < 200; run++) {
    const rng = stream(run, 'interior')
    const [width, height, reach] = [1 + rng.below(14), 1 + rng.below(14), 1 + rng.below(3)]
    const values = Uint32Array.from({ length: width * height }, () => Number(rng.uniform() < 0.03))
    expect([...interiorOf(values, width, height, reach)]).toEqual(naiveInterior(values, width, height, reach))
  }
})

test('a perfect prediction scores 1 with no false alarm, whatever its ids', () => {
  const scene = boundaryScene(3)
  const truth = scene.truth.map((segment) => ({
    ...segment,
    iscrowd: 0 as const,
    area: areaOf(scene.truthIds, segment.id),
  }))
  const predictionIds = scene.truthIds.map((id) => id * 3)
  const prediction = truth.map(({ id, category_id }) => ({ id: id * 3, category_id }))
  const { iou, tp, fp, fn } = score({ ...scene, truth, predictionIds, prediction })
  expect([...iou]).toEqual([...tp])
  expect(tp.reduce((a, b) => a + b, 0)).toBe(truth.length)
  expect([...fp, ...fn].every((count) => count === 0)).toBe(true)
})

function score({ width, height, truthIds, predictionIds, truth, prediction }: BoundaryScene) {
  const indexOf = (id: number) => boundaryCategories.findIndex((category) => category.id === id)
  const segments = truth.map(({ id, category_id: category, iscrowd, area }) => ({ id, category: indexOf(category), isCrowd: iscrowd === 1, area })) // prettier-ignore
  const predicted = prediction.map(({ id, category_id: category }) => ({ id, category: indexOf(category) }))
  return boundaryCounts(
    { map: { width, height, ids: truthIds }, segments },
    { map: { width, height, ids: predictionIds }, segments: predicted },
    boundaryCategories,
  )
}

function areaOf(ids: Uint32Array, id: number): number {
  return ids.filter((other) => other === id).length
}

function naiveInterior(values: Uint32Array, width: number, height: number, reach: number): number[] {
  return Array.from(values, (value, i) => {
    const [x, y] = [i % width, Math.floor(i / width)]
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const [u, v] = [x + dx, y + dy]
        if (u < 0 || v < 0 || u >= width || v >= height || values[v * width + u] !== value) return 0
      }
    }
    return 1
  })
}
