import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import { fanova, mainEffects } from '../../../src/search/importance/fanova.ts'
import { oneOf, spaceDims, uniform, type Dim, type Point } from '../../../src/space.ts'
import { numbers } from '../functions.ts'
import { historyOf, trialOf } from '../histories.ts'

const rng = () => stream(1, 'importance')

function study(dims: readonly Dim[], points: readonly Point[], loss: (point: Point, n: number) => number) {
  return historyOf(dims, points.map((point, n) => trialOf(n, [loss(point, n)], { point }))) // prettier-ignore
}

function randomPoints(dims: number, count: number, seed = 1): readonly Point[] {
  const chance = stream(seed, 'places')
  return Array.from({ length: count }, () => Array.from({ length: dims }, () => chance.uniform()))
}

const shareOf = (found: ReturnType<typeof fanova>, name: string) => found.find((one) => one.name === name)!

describe('fANOVA', () => {
  test('is exact for a sum of steps that trees can follow', () => {
    // Of variances 1/4, 4/4 and 9/4 in this order: 1, 4 and 9 fourteenths.
    const grid = Array.from({ length: 8 ** 3 }, (_, n) =>
      [0, 1, 2].map((d) => ((Math.floor(n / 8 ** d) % 8) + 0.5) / 8),
    )
    const found = fanova(
      study(numbers(3), grid, (point) => point.reduce((sum, x, d) => sum + (x > 0.5 ? d + 1 : 0), 0)),
      rng(),
    )
    for (const d of [0, 1, 2]) expect(shareOf(found, `x${d}`).share).toBeCloseTo((d + 1) ** 2 / 14, 9)
    expect(found.every(({ isShown }) => isShown)).toBe(true)
  })

  test('comes close for a sum of curves', () => {
    // The variance of a x over [0, 1] is a^2 / 12, that of (x - 1/2)^2 is 1 / 180.
    const found = fanova(
      study(numbers(3), randomPoints(3, 1500), ([a = 0, b = 0]) => a + 4 * (b - 0.5) ** 2),
      rng(),
    )
    const [line, bend] = [1 / 12, 16 / 180]
    expect(shareOf(found, 'x0').share).toBeCloseTo(line / (line + bend), 1)
    expect(shareOf(found, 'x1').share).toBeCloseTo(bend / (line + bend), 1)
    expect(shareOf(found, 'x2')).toMatchObject({ isShown: false })
    expect(shareOf(found, 'x2').share).toBeLessThan(0.02)
  })

  test('leaves to interactions what no dimension explains by itself', () => {
    const found = fanova(
      study(numbers(2), randomPoints(2, 600), ([a = 0, b = 0]) => (a > 0.5 === b > 0.5 ? 1 : 0)),
      rng(),
    )
    expect(found.reduce((sum, { share }) => sum + share, 0)).toBeLessThan(0.2)
  })

  test('gives a conditional dimension what it explains where it is active, and its parent the rest', () => {
    const dims = spaceDims({ kind: oneOf({ a: { power: uniform(0, 1) }, b: {} }), other: uniform(0, 1) })
    const points = randomPoints(3, 1500).map(([kind = 0, power = 0, other = 0]) => [kind < 0.5 ? 0.25 : 0.75, kind < 0.5 ? power : Number.NaN, other]) // prettier-ignore
    const found = fanova(
      study(dims, points, ([kind = 0, power = 0]) => (kind < 0.5 ? power : 2)),
      rng(),
    )
    // Of f = power | 2: in all 0.6042; by kind 1.5^2 / 4 = 0.5625; by power 1 / 48 = 0.0208.
    expect(shareOf(found, 'kind').share).toBeCloseTo(0.5625 / 0.6042, 1)
    expect(shareOf(found, 'kind.a.power').share).toBeCloseTo(0.0208 / 0.6042, 1)
    expect(shareOf(found, 'other').share).toBeLessThan(0.01)
  })

  test('shows nothing of noise, in nearly all studies', () => {
    const shown = Array.from({ length: 20 }, (_, seed) => {
      const noise = stream(seed, 'noise')
      return fanova(study(numbers(3), randomPoints(3, 60, seed), () => noise.normal()), stream(seed)).some(({ isShown }) => isShown) // prettier-ignore
    })
    expect(shown.filter(Boolean).length).toBeLessThanOrEqual(2)
  })

  test('finds nothing in equal results, and looks at ten trials at least', () => {
    const equal = fanova(
      study(numbers(2), randomPoints(2, 40), () => 3),
      rng(),
    )
    expect(equal.map(({ share, isShown }) => ({ share, isShown }))).toEqual(Array.from({ length: 2 }, () => ({ share: 0, isShown: false }))) // prettier-ignore
    expect(
      fanova(
        study(numbers(2), randomPoints(2, 9), ([a = 0]) => a),
        rng(),
      ),
    ).toEqual([])
  })

  test('says the same of the same trials', () => {
    const history = study(numbers(2), randomPoints(2, 50), ([a = 0]) => a)
    expect(fanova(structuredClone(history), rng())).toEqual(fanova(history, rng()))
  })
})

describe('the main effects of a tree', () => {
  // Five leaves by hand: the cube is cut at x = 0.4, its left at y = 0.7, its right at z = 0.25, and the rest there at x = 0.8.
  const leaf = (low: readonly number[], high: readonly number[], mean: number) => ({ low: Float64Array.from(low), high: Float64Array.from(high), mean }) // prettier-ignore
  const leaves = [
    leaf([0, 0, 0], [0.4, 0.7, 1], 1),
    leaf([0, 0.7, 0], [0.4, 1, 1], -2),
    leaf([0.4, 0, 0], [1, 1, 0.25], 3),
    leaf([0.4, 0, 0.25], [0.8, 1, 1], 0.5),
    leaf([0.8, 0, 0.25], [1, 1, 1], 4),
  ]

  test('are the variances of its marginals, as summed over every cell of a grid that all cuts lie on', () => {
    const cells = 20
    const places = Array.from({ length: cells }, (_, i) => (i + 0.5) / cells)
    const at = (point: Point) =>
      leaves.find(({ low, high }) => point.every((x, d) => x > low[d]! && x < high[d]!))?.mean ?? Number.NaN
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
    const variance = (values: readonly number[]) => mean(values.map((value) => (value - mean(values)) ** 2))
    const cube = places.flatMap((x) => places.flatMap((y) => places.map((z) => [x, y, z] as const)))
    const total = variance(cube.map(at))
    const marginals = [0, 1, 2].map((d) => places.map((x) => mean(cube.filter((point) => point[d] === x).map(at))))
    const expected = marginals.map((marginal) => variance(marginal) / total)
    expect(expected.every((share) => share > 0.01)).toBe(true)
    for (const [d, share] of mainEffects(leaves, 3).entries()) expect(share).toBeCloseTo(expected[d]!, 12)
  })

  test('are none where all leaves are alike', () => {
    expect(mainEffects(leaves.map((one) => ({ ...one, mean: 7 })), 3)).toEqual([0, 0, 0]) // prettier-ignore
  })

  test('leaves out trials that lie outside the space as it is now', () => {
    const inside = study(numbers(2), randomPoints(2, 100), ([a = 0]) => a)
    const outside = Array.from({ length: 60 }, (_, n) => trialOf(100 + n, [-1], { point: [] }))
    const all = { ...inside, trials: [...inside.trials, ...outside] }
    expect(fanova(all, rng())).toEqual(fanova(inside, rng()))
  })
})
