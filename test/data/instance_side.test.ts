import { expect, test } from 'vitest'
import { instanceSide } from '../../src/data/instance_side.ts'
import { drawnSet, rectangles } from './drawn_set.ts'

const CAT = { category: 1, isCrowd: false }
const CROWD = { category: 1, isCrowd: true }
const ROAD = { category: 2, isCrowd: false }

test('a typical instance has the median area of the things, without crowds and stuff', () => {
  const labelAt = rectangles([
    { y: 0, x: 0, height: 20, width: 20 },
    { y: 0, x: 0, height: 10, width: 10 },
    { y: 10, x: 0, height: 1, width: 2 },
    { y: 10, x: 3, height: 4, width: 4 },
    { y: 10, x: 8, height: 5, width: 5 },
  ])
  const set = drawnSet([{ height: 20, width: 20, labelAt, segments: [ROAD, CROWD, CAT, CAT, CAT] }])
  expect(instanceSide(set)).toBe(4)
})

test('a set without instances has no typical one', () => {
  expect(instanceSide(drawnSet([{ height: 2, width: 2, labelAt: () => 1, segments: [ROAD] }]))).toBeUndefined()
})
