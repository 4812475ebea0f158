import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { stream } from '../../../src/rng.ts'
import { pedAnova } from '../../../src/search/importance/ped_anova.ts'
import { choice, int, oneOf, spaceDims, uniform, type Dim, type Point } from '../../../src/space.ts'
import { historyOf, trialOf } from '../histories.ts'
import { numbers } from '../functions.ts'

const rng = () => stream(1, 'importance')

/** Trials at random places with losses by a function of them. */
function study(dims: readonly Dim[], count: number, loss: (point: Point) => number, seed = 1) {
  const chance = stream(seed, 'places')
  const trials = Array.from({ length: count }, (_, n) => {
    const point = dims.map(() => chance.uniform())
    return trialOf(n, [loss(point)], { point })
  })
  return historyOf(dims, trials)
}

interface Fixture {
  readonly points: readonly (readonly (number | null)[])[]
  readonly shares: Readonly<Record<string, number>>
  readonly quarter: Readonly<Record<string, number>>
}

describe('PED-ANOVA', () => {
  // 120 trials with a conditional parameter, and what Optuna 5.0.0.dev makes of them.
  const fixture = JSON.parse(readFileSync('test/fixtures/ped_anova.json', 'utf8')) as Fixture
  const dims = spaceDims({
    lr: uniform(0, 1),
    drop: uniform(0, 1),
    depth: int(1, 7),
    act: choice('relu', 'gelu', 'tanh'),
    sched: oneOf({ poly: { power: uniform(0, 1) }, step: {} }),
  })
  const optuna = historyOf(
    dims,
    fixture.points.map((row, n) => {
      const point = row.slice(0, -1).map((x) => x ?? Number.NaN)
      return trialOf(n, [row.at(-1)!], { point })
    }),
  )

  test.each([
    [0.1, fixture.shares],
    [0.25, fixture.quarter],
  ])('of the best %d is what Optuna makes of the same trials', (top, expected) => {
    const shares = pedAnova(optuna, rng(), { top }).map(({ name, share }) => [name.split('.').at(-1)!, share] as const)
    const named = Object.fromEntries(shares)
    for (const [name, share] of Object.entries(expected)) expect(named[name]).toBeCloseTo(share, 9)
  })

  test('shows what matters, and nothing else', () => {
    const history = study(numbers(5), 400, ([a = 0, b = 0]) => (a - 0.3) ** 2 + 0.3 * (b - 0.6) ** 2)
    const found = pedAnova(history, rng())
    expect(found.map(({ name }) => name).slice(0, 2)).toEqual(['x0', 'x1'])
    expect(found.filter(({ isShown }) => isShown).map(({ name }) => name)).toEqual(['x0', 'x1'])
    for (const { low, share, high } of found) {
      expect(low).toBeLessThanOrEqual(share + 0.05)
      expect(high).toBeGreaterThanOrEqual(share - 0.05)
    }
  })

  test('has intervals that hold what very many trials say, with noise too', () => {
    const noisy = (count: number, seed: number) => {
      const noise = stream(seed, 'noise')
      return study(numbers(6), count, ([a = 0, b = 0]) => 2 * a + b + noise.normal(), seed)
    }
    const truth = new Map(pedAnova(noisy(20_000, 1), rng(), { resamples: 2 }).map(({ name, share }) => [name, share]))
    const held = Array.from({ length: 40 }, (_, seed) =>
      pedAnova(noisy(200, seed + 2), stream(seed, 'importance')).map(({ name, low, high }) => {
        return low <= truth.get(name)! && truth.get(name)! <= high
      }),
    ).flat()
    expect(held.filter(Boolean).length / held.length).toBeGreaterThan(0.9)
  })

  test('shows one of twenty studies of pure noise something', () => {
    const shown = Array.from({ length: 100 }, (_, seed) => {
      const noise = stream(seed, 'noise')
      const history = study(numbers(4), 80, () => noise.normal(), seed)
      return pedAnova(history, stream(seed, 'importance')).some(({ isShown }) => isShown)
    })
    expect(shown.filter(Boolean).length).toBeLessThanOrEqual(12)
  })

  test('looks at complete trials with a result, and at two good ones at least', () => {
    const { trials } = study(numbers(2), 15, ([a = 0]) => a)
    const failed = trials.map((trial) => ({ ...trial, outcome: { state: 'pruned' } as const }))
    expect(pedAnova(historyOf(numbers(2), failed), rng())).toEqual([])
    expect(pedAnova(historyOf(numbers(2), trials.slice(0, 10)), rng())).toEqual([])
    expect(
      pedAnova(historyOf(numbers(2), [...trials, trialOf(15, [Number.NaN], { point: [0, 0] })]), rng()),
    ).toHaveLength(2)
  })

  test('finds nothing in a space of single points, and in equal results', () => {
    const single = study([{ name: 'only', levels: 1, ordered: true }], 40, () => 1)
    expect(pedAnova(single, rng())).toMatchObject([{ share: 0, isShown: false }])
    const equal = study(numbers(2), 40, () => 1)
    expect(pedAnova(equal, rng())).toMatchObject(Array.from({ length: 2 }, () => ({ share: 0, isShown: false })))
  })

  test('says the same of the same trials', () => {
    const history = study(numbers(3), 100, ([a = 0, b = 0]) => a + b)
    expect(pedAnova(structuredClone(history), rng())).toEqual(pedAnova(history, rng()))
  })

  test('leaves out trials that lie outside the space as it is now', () => {
    const inside = study(numbers(2), 100, ([a = 0]) => a)
    const outside = Array.from({ length: 60 }, (_, n) => trialOf(100 + n, [-1], { point: [] }))
    const all = { ...inside, trials: [...inside.trials, ...outside] }
    expect(pedAnova(all, rng())).toEqual(pedAnova(inside, rng()))
  })
})
