import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWithin, movedWithin, placing, type HalfSpace } from '../src/half_spaces.ts'
import { stream } from '../src/rng.ts'

/** The sum of weighted coordinates that is to be at most so much. */
function half(weights: readonly number[], atMost: number): HalfSpace {
  return { terms: weights.map((weight, dim) => ({ dim, at: (x) => weight * x })), atMost }
}

/** Both sides of a slab. */
function slab(weights: readonly number[], atLeast: number, atMost: number): readonly HalfSpace[] {
  return [half(weights, atMost), half(weights.map((weight) => -weight), -atLeast)] // prettier-ignore
}

const cube = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 3, maxLength: 3 })
const weights = fc.array(fc.oneof(fc.double({ min: 0.1, max: 9, noNaN: true }), fc.double({ min: -9, max: -0.1, noNaN: true })), { minLength: 3, maxLength: 3 }) // prettier-ignore

/** A slab through some point of the cube, from nothing to a tenth thick. */
const slabs = fc.tuple(weights, cube, fc.constantFrom(0, 1e-6, 0.1)).map(([along, through, thickness]) => {
  const sum = along.reduce((total, weight, d) => total + weight * through[d]!, 0)
  return slab(along, sum - thickness, sum + thickness)
})

describe('a point', () => {
  test('is moved into any slab, however thin, and stays in the cube; one inside stays where it is', () => {
    fc.assert(
      fc.property(slabs, cube, (within, point) => {
        const moved = movedWithin(within, point)
        expect(isWithin(within, moved)).toBe(true)
        expect(moved.every((x) => x >= 0 && x <= 1)).toBe(true)
        expect(movedWithin(within, moved)).toBe(moved)
      }),
    )
  })

  test('is moved to the nearest point of a half-space', () => {
    // Along the normal: 0.8 and 0.9 are 0.7 too much. Where that leads out of the cube, along its side.
    const nearby = movedWithin([half([1, 1], 1)], [0.8, 0.9])
    expect(nearby.map((x) => Number(x.toFixed(9)))).toEqual([0.45, 0.55])
    const aside = movedWithin([half([1, 1], 0.1)], [0.05, 0.9])
    expect(aside.map((x) => Number(x.toFixed(9)))).toEqual([0, 0.1])
  })

  test('is moved into a corner where many half-spaces meet', () => {
    const within = [half([1, 1, 0.5], 0.6), half([-1, 1, 0.1], -0.2), half([0.1, -1, 0.3], 0)]
    const rng = stream(1, 'corner')
    for (let n = 0; n < 50; n++)
      expect(isWithin(within, movedWithin(within, [rng.uniform(), rng.uniform(), rng.uniform()]))).toBe(true)
  })

  test('stays where it is where nothing can be moved', () => {
    const fixed = { terms: [{ dim: 0, at: () => 3 }], atMost: 2 }
    expect(movedWithin([fixed], [0.5])).toEqual([0.5])
  })

  test('is moved among levels that only some combinations fit', () => {
    const levels = (x: number) => Math.min(9, Math.floor(10 * x))
    const sum = (sign: number): HalfSpace => ({
      terms: [0, 1].map((dim) => ({ dim, at: (x) => sign * levels(x) })),
      atMost: sign * 9,
    })
    const within = [sum(1), sum(-1)]
    const moved = movedWithin(within, [0.93, 0.88])
    expect(levels(moved[0]!) + levels(moved[1]!)).toBe(9)
  })
})

describe('points of the cube', () => {
  test('are placed in any slab, and different ones in different places', () => {
    fc.assert(
      fc.property(slabs, cube, cube, (within, a, b) => {
        const place = placing(within)
        const [one, other] = [place(a), place(b)]
        expect(isWithin(within, one.point)).toBe(true)
        expect(one.room).toBeGreaterThan(0)
        expect(one.room).toBeLessThanOrEqual(1)
        const isSpread =
          one.room <= 1e-6 ||
          a.every((x, d) => Math.abs(x - b[d]!) <= 1e-3) ||
          one.point.some((x, d) => x !== other.point[d])
        expect(isSpread).toBe(true)
      }),
    )
  })

  test('have the room of a triangle in the mean', () => {
    // The mean room over the even cube is the volume of what they are placed in.
    const place = placing([half([1, 1, 1], 1)])
    const rng = stream(1, 'room')
    const rooms = Array.from({ length: 20_000 }, () => place([rng.uniform(), rng.uniform(), rng.uniform()]).room)
    expect(rooms.reduce((sum, room) => sum + room, 0) / rooms.length).toBeCloseTo(1 / 6, 2)
  })

  test('have no room where half-spaces have nothing in common', () => {
    expect(placing([half([1, 1], 0.5), half([-1, -1], -1.5)])([0.5, 0.5]).room).toBe(0)
  })
})
