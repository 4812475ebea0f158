import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { findCenters, type Center } from '../../src/models/centers.ts'
import { centerGrid, nearestIn } from '../../src/models/nearest.ts'

test('a position in a large image belongs to the nearest of all centres', () => {
  const [height, width] = [90, 130]
  const centers = fc.array(
    fc.record({ y: fc.integer({ min: 0, max: 89 }), x: fc.integer({ min: 0, max: 129 }), score: fc.constant(1) }),
    { minLength: 1, maxLength: 40 },
  )
  const place = fc.double({ min: -100, max: 250, noNaN: true }).map(Math.fround)
  const places = fc.array(fc.tuple(place, place), { minLength: 200, maxLength: 200 })
  fc.assert(
    fc.property(centers, places, (centers, places) => {
      const nearest = nearestCenter(centers, height, width)
      expect(places.map(([y, x]) => nearest(y, x))).toEqual(places.map(([y, x]) => nearestOfAll(centers, y, x)))
    }),
    { numRuns: 50 },
  )
})

test('between two centres the border is in the middle, wherever the pair lies', () => {
  const misplaced: string[] = []
  for (let a = 0; a < 60; a += 3) {
    for (let b = a + 1; b < 90; b += 4) {
      // On a diagonal, where the squares that share candidates are widest.
      const nearest = nearestCenter(
        [a, b].map((at) => ({ y: at, x: at, score: 1 })),
        90,
        90,
      )
      for (let at = 0; at < 90; at += 0.5) {
        if (nearest(at, at) !== Number(at > (a + b) / 2)) misplaced.push(`${at} between ${a} and ${b}`)
      }
    }
  }
  expect(misplaced).toEqual([])
})

test('two distances that are one in float32 are a tie, which the first centre wins', () => {
  const centers = [
    { y: 0, x: 0, score: 1 },
    { y: 0, x: 40, score: 1 },
  ]
  const [y, x] = [Math.fround(26.14675521850586), Math.fround(20.000001907348633)]
  expect(Math.hypot(y, x)).toBeGreaterThan(Math.hypot(y, 40 - x))
  expect(nearestCenter(centers, 48, 48)(y, x)).toBe(0)
})

test('all pixels of a plateau are centres, however wide the window', () => {
  const heat = Float32Array.of(0.2, 0.8, 0.8, 0.8, 0.2)
  const options = { threshold: 0.1, nmsKernel: 5, topK: 200 }
  expect(findCenters(heat, 1, 5, options).map(({ x }) => x)).toEqual([1, 2, 3])
  // The third score is that of all three: none is above it.
  expect(findCenters(heat, 1, 5, { ...options, topK: 3 })).toEqual([])
})

function nearestOfAll(centers: readonly Center[], y: number, x: number): number {
  const f = Math.fround
  const distances = centers.map((center) => {
    const [dy, dx] = [f(center.y - y), f(center.x - x)]
    return f(Math.sqrt(f(f(dy * dy) + f(dx * dx))))
  })
  return distances.indexOf(Math.min(...distances))
}

function nearestCenter(centers: readonly Center[], height: number, width: number): (y: number, x: number) => number {
  const grid = centerGrid(centers, height, width)
  return (y, x) => nearestIn(grid, y, x)
}
