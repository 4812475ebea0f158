import { array, assert, integer, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import { undominatedBoxes } from '../../../src/search/numeric/boxes.ts'

test('boxes below a front are those that one would draw', () => {
  const boxes = undominatedBoxes([[1, 3], [2, 1]], [4, 4]) // prettier-ignore
  expect(boxes).toEqual([
    { low: [-Infinity, -Infinity], high: [4, 1] },
    { low: [-Infinity, 1], high: [2, 3] },
    { low: [-Infinity, 3], high: [1, 4] },
  ])
})

test('each place below the reference lies in one box where no point dominates it, and in none where one does', () => {
  const point = tuple(...[0, 1, 2].map(() => integer({ min: 0, max: 9 })))
  assert(
    property(array(point, { maxLength: 8 }), point, (front, corner) => {
      const place = corner.map((x) => x + 0.5)
      const inside = place.every((x) => x < 8)
      const isDominated = front.some((better) => better.every((x, g) => x < place[g]!))
      const boxes = undominatedBoxes(front, [8, 8, 8])
      const around = boxes.filter(({ low, high }) => place.every((x, g) => x > low[g]! && x < high[g]!))
      expect(around).toHaveLength(inside && !isDominated ? 1 : 0)
    }),
  )
})
