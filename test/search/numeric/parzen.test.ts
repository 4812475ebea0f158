import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import { drawPoint, logDensities, parzen, type Parzen } from '../../../src/search/numeric/parzen.ts'
import {
  choice,
  int,
  isActive,
  levelCentre,
  oneOf,
  spaceDims,
  uniform,
  type Dim,
  type Point,
} from '../../../src/space.ts'

function logDensity(mixture: Parzen, point: Point): number {
  return logDensities(mixture, [point])[0]!
}

const plane = spaceDims({ x: uniform(0, 1), y: uniform(0, 1) })

/** The density of a mixture over its whole space, summed over a fine grid: 1 for any density. */
function total(mixture: Parzen, steps: number): number {
  let sum = 0
  const walk = (start: readonly number[], share: number): void => {
    const dim = mixture.dims[start.length]
    if (!dim) sum += share * Math.exp(logDensity(mixture, start))
    else if (!isActive(mixture.dims, start, start.length)) walk([...start, Number.NaN], share)
    else for (const [x, part] of places(dim, steps)) walk([...start, x], share * part)
  }
  walk([], 1)
  return sum
}

function places({ levels }: Dim, steps: number): readonly (readonly [x: number, part: number])[] {
  const count = Number.isFinite(levels) ? levels : steps
  return Array.from({ length: count }, (_, i) => [levelCentre(i, count), Number.isFinite(levels) ? 1 : 1 / steps])
}

describe('a mixture', () => {
  test('of no observations is even', () => {
    const mixture = parzen(spaceDims({ x: uniform(0, 1), c: choice('a', 'b', 'c', 'd') }), [], [])
    // The prior of a number is a normal distribution as wide as the range: 1.03 in the middle, 0.91 at an end.
    expect(Math.exp(logDensity(mixture, [0.5, 0.1]))).toBeCloseTo(1.042 / 4, 2)
    expect(Math.exp(logDensity(mixture, [0, 0.9]))).toBeCloseTo(0.92 / 4, 2)
  })

  test.each([
    [
      'numbers',
      spaceDims({ x: uniform(0, 1), y: uniform(0, 1) }),
      [
        [0.1, 0.9],
        [0.15, 0.2],
        [1, 0],
      ],
    ],
    [
      'levels',
      spaceDims({ a: int(1, 7), b: choice('x', 'y', 'z') }),
      [
        [0.5 / 7, 0.5],
        [6.5 / 7, 0.5],
        [0.5, 1 / 6],
      ],
    ],
    [
      'conditions',
      spaceDims({ a: oneOf({ p: { x: uniform(0, 1) }, q: { b: int(1, 3), y: uniform(0, 1) } }) }),
      [
        [0.25, 0.3, Number.NaN, Number.NaN],
        [0.75, Number.NaN, 0.5, 0.9],
      ],
    ],
  ] satisfies [string, readonly Dim[], readonly number[][]][])('over %s sums to 1', (_, dims, points) => {
    expect(
      total(
        parzen(
          dims,
          points,
          points.map((_, i) => i + 1),
        ),
        200,
      ),
    ).toBeCloseTo(1, 3)
  })

  test('is high where it was observed, and higher where the weight is', () => {
    const mixture = parzen(plane, [[0.2, 0.2], [0.8, 0.8]], [1, 3]) // prettier-ignore
    const at = (x: number, y: number) => logDensity(mixture, [x, y])
    expect(at(0.8, 0.8)).toBeGreaterThan(at(0.2, 0.2))
    expect(at(0.2, 0.2)).toBeGreaterThan(at(0.2, 0.8))
  })

  test('draws points as often as its density says', () => {
    const dims = spaceDims({ a: int(1, 4), b: choice('x', 'y') })
    const mixture = parzen(dims, [[0.125, 0.25], [0.125, 0.25], [0.875, 0.75]], [1, 1, 2]) // prettier-ignore
    const rng = stream(1, 'draws')
    const draws = Array.from({ length: 20_000 }, () => drawPoint(mixture, rng).join())
    for (const a of [0.125, 0.375, 0.625, 0.875]) {
      for (const b of [0.25, 0.75]) {
        const share = draws.filter((draw) => draw === `${a},${b}`).length / draws.length
        expect(Math.abs(share - Math.exp(logDensity(mixture, [a, b])))).toBeLessThan(0.012)
      }
    }
  })

  test('draws numbers as its density says', () => {
    const mixture = parzen(plane.slice(0, 1), [[0.05], [0.9]], [1, 1])
    const rng = stream(2, 'draws')
    const draws = Array.from({ length: 20_000 }, () => drawPoint(mixture, rng)[0] ?? Number.NaN)
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = draws.filter((x) => Math.floor(x * 10) === tenth).length / draws.length
      const expected = Array.from(
        { length: 50 },
        (_, i) => Math.exp(logDensity(mixture, [tenth / 10 + (i + 0.5) / 500])) / 500,
      )
      expect(Math.abs(share - expected.reduce((sum, part) => sum + part, 0))).toBeLessThan(0.012)
    }
  })

  test('keeps together what was observed together', () => {
    const points = [[0.1, 0.1], [0.1, 0.1], [0.9, 0.9], [0.9, 0.9]] // prettier-ignore
    const mixture = parzen(
      plane,
      points,
      points.map(() => 1),
    )
    expect(logDensity(mixture, [0.1, 0.1])).toBeGreaterThan(logDensity(mixture, [0.1, 0.9]) + 1)
  })
})
