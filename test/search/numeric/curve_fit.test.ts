import { describe, expect, test } from 'vitest'
import { stream, type Rng } from '../../../src/rng.ts'
import { extrapolate } from '../../../src/search/numeric/curve_fit.ts'
import { studentCdf } from '../../../src/student.ts'

const END = 50
type Curve = (t: number) => number

/** Curves that bend within what is seen of them, whose rates and powers are none of the grid's. */
const families: Readonly<Record<string, (rng: Rng) => Curve>> = {
  'power laws': (rng) => {
    const power = 0.1 + 1.4 * rng.uniform()
    return (t) => 0.3 + 0.7 * t ** -power
  },
  exponentials: (rng) => {
    const rate = 2 + 20 * rng.uniform()
    return (t) => 2 + 5 * Math.exp(-t / rate)
  },
  'logistics in log t': (rng) => {
    const half = 3 + 12 * rng.uniform()
    return (t) => -60 + 40 / (1 + (t / half) ** 2)
  },
  levels: () => () => 7,
}

/** What is made of the first points of a curve with noise. */
function from(curve: Curve, points: number, noise: number, rng = stream(1, 'noise')) {
  const steps = Array.from({ length: points }, (_, i) => i + 1)
  const values = steps.map((t) => curve(t) + noise * rng.normal())
  return extrapolate(steps, values, END)
}

describe('extrapolate', () => {
  test.each(Object.entries(families))('knows how well it knows the ends of %s', (name, curveOf) => {
    const places = Array.from({ length: 300 }, (_, seed) => {
      const rng = stream(seed, name)
      const curve = curveOf(rng)
      const noise = 0.04 * Math.abs(curve(1) - curve(END)) + 1e-3
      return from(curve, 20, noise, rng).below(curve(END) + noise * rng.normal())
    })
    const share = (low: number, high: number) => places.filter((p) => p >= low && p <= high).length / places.length
    // Four in five, were the family known: what else it might be makes up for most of that.
    expect(share(0.1, 0.9)).toBeGreaterThan(0.55)
    expect(share(0, 0.02)).toBeLessThan(0.12)
  })

  test.each(Object.entries(families))('comes close to the ends of %s', (name, curveOf) => {
    const errors = Array.from({ length: 50 }, (_, seed) => {
      const curve = curveOf(stream(seed, name))
      return Math.abs(from(curve, 30, 0).mean - curve(END)) / (Math.abs(curve(1) - curve(END)) + 1e-9)
    })
    expect(errors.toSorted((a, b) => a - b)[25]).toBeLessThan(0.03)
  })

  test('is surer of what it has seen more of', () => {
    const width = (points: number) => {
      const { below } = from((t) => 0.3 + 0.7 * t ** -0.6, points, 0.01)
      return below(0.37 + 0.05) - below(0.37 - 0.05)
    }
    expect(width(30)).toBeGreaterThan(width(6))
  })

  test('says the same of a curve in other units', () => {
    const [one, other] = [1, 1000].map((unit) => from((t) => unit * (0.3 + 0.7 * t ** -0.6), 9, 0))
    expect(other!.below(350)).toBeCloseTo(one!.below(0.35), 9)
  })
})

describe('studentCdf', () => {
  // scipy.stats.t.cdf
  test.each([
    [0.5, 1, 0.6475836176504333],
    [-1.3, 2, 0.16162351590802027],
    [2.2, 5, 0.9604530510484088],
    [-4, 10, 0.001259166312368246],
    [1, 33, 0.8377064362555743],
    [0, 7, 0.5],
  ])('of %d with %i degrees of freedom is that of scipy', (x, degrees, p) => {
    expect(studentCdf(x, degrees)).toBeCloseTo(p, 12)
  })

  test('ends at 0 and 1', () => {
    expect([-Infinity, Infinity].map((x) => studentCdf(x, 3))).toEqual([0, 1])
  })
})
