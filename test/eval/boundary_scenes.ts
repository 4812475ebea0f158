import type { Category } from '../../src/data/image_set.ts'
import { stream, type Rng } from '../../src/rng.ts'

export interface BoundaryScene {
  readonly width: number
  readonly height: number
  readonly truthIds: Uint32Array
  readonly predictionIds: Uint32Array
  readonly truth: readonly { id: number; category_id: number; iscrowd: 0 | 1; area: number }[]
  readonly prediction: readonly { id: number; category_id: number }[]
}

export const boundaryCategories: readonly Category[] = [
  { id: 1, name: 'cell', isThing: true },
  { id: 2, name: 'cup', isThing: true },
  { id: 5, name: 'sky', isThing: false },
]

/** Sizes with diagonals whose 2 % is a half (75 x 100: 2.5), thin ones, and one thinner than its boundary. */
const SIZES = [[75, 100], [120, 160], [225, 300], [1, 70], [90, 3], [4, 4], [200, 40], [64, 64]] as const // prettier-ignore

/**
 * Blobs over void; the prediction is the ground truth moved by some pixels, with its own ids. Now and then there is a
 * crowd, a wrong JSON area, an id 0 that is listed, an id that is not, and an id that boundary-iou-api needs itself (6).
 */
export function boundaryScene(number: number): BoundaryScene {
  const rng = stream(number, 'boundary scene')
  const [width, height] = SIZES[number % SIZES.length]!
  const truthIds = new Uint32Array(width * height)
  const predictionIds = new Uint32Array(width * height)
  const [moveX, moveY] = [rng.below(4), rng.below(3)]
  const blobs = 1 + rng.below(5)
  const ids = [3, 6, 40_000, 9, 1_000_000].slice(0, blobs)
  for (const [i, id] of ids.entries()) {
    const [x, y] = [rng.below(width), rng.below(height)]
    const [a, b] = [2 + rng.below(width / 2), 2 + rng.below(height / 2)]
    const grown = rng.below(3)
    const isBox = rng.below(2) === 0
    paint(truthIds, width, id, x, y, a, b, isBox)
    paint(predictionIds, width, 7 - i, x + moveX, y + moveY, a + grown, b, isBox)
  }
  const truth = listed(truthIds, ids, rng).map(({ id, category_id: category }) => {
    const area = truthIds.filter((other) => other === id).length
    return { id, category_id: category, iscrowd: rng.below(6) === 0 ? (1 as const) : (0 as const), area: area + (rng.below(8) === 0 ? 5 : 0) }
  }) // prettier-ignore
  const seen = [...new Set(predictionIds)].filter((id) => id !== 0)
  const prediction = seen.map((id) => {
    const twin = truth.find((segment) => segment.id === ids[7 - id])
    return { id, category_id: rng.below(8) === 0 || !twin ? boundaryCategories[rng.below(3)]!.id : twin.category_id }
  })
  return { width, height, truthIds, predictionIds, truth, prediction }
}

function listed(ids: Uint32Array, candidates: readonly number[], rng: Rng) {
  const hidden = rng.below(10) === 0 ? candidates[0] : undefined
  const all = rng.below(10) === 0 && ids.includes(0) ? [0, ...candidates] : candidates
  return all
    .filter((id) => id !== hidden && ids.includes(id))
    .map((id) => ({ id, category_id: boundaryCategories[rng.below(3)]!.id }))
}

function paint(ids: Uint32Array, width: number, id: number, cx: number, cy: number, a: number, b: number, isBox: boolean): void {
  for (let i = 0; i < ids.length; i++) {
    const [x, y] = [((i % width) - cx) / a, (Math.floor(i / width) - cy) / b]
    if (isBox ? Math.max(Math.abs(x), Math.abs(y)) <= 0.7 : x * x + y * y <= 1) ids[i] = id
  }
} // prettier-ignore
