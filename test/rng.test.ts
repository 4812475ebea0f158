import { describe, expect, test } from 'vitest'
import { philox, seedFor, shuffled, stream, type Rng } from '../src/rng.ts'

function take(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next)
}

function uniforms(count: number, rng: Rng): number[] {
  return take(count, () => rng.uniform())
}

describe('philox', () => {
  test('gives the known answer of Random123 for a key and counter of zeros', () => {
    expect(take(4, philox(0, 0))).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  })

  test('gives, for other keys and counters, what an implementation with big integers gives', () => {
    const words = philox(0xa4093822, 0x299f31d0, 0x13198a2e, 0x03707344)
    // prettier-ignore
    expect(take(8, words)).toEqual([
      0xb60a410e, 0x61bd7780, 0xa53f3958, 0x3d51eb3f, 0x314ddb4b, 0x0ab83527, 0x9fc3cabe, 0x3fc8cf4c,
    ])
  })
})

describe('a stream', () => {
  test('gives the same numbers for the same purpose, and others for another', () => {
    const first = uniforms(5, stream(1, 'suggest', 17))
    expect(uniforms(5, stream(1, 'suggest', 17))).toEqual(first)
    for (const other of [stream(2, 'suggest', 17), stream(1, 'suggest', 18), stream(1, 'suggest1', 7), stream(1)]) {
      expect(uniforms(5, other)).not.toEqual(first)
    }
  })

  test('is the stream it always was', () => {
    const rng = stream(42, 'golden')
    expect([rng.uniform(), rng.uniform(), rng.normal(), rng.below(1000)]).toMatchInlineSnapshot(`
      [
        0.5572537152801016,
        0.41981902123516135,
        -2.03443268465023,
        911,
      ]
    `)
  })

  test('is uniform in [0, 1), to the resolution that 20,000 draws show', () => {
    const draws = uniforms(20_000, stream(3, 'uniform'))
    const counts = Array.from({ length: 10 }, () => 0)
    for (const x of draws) counts[Math.floor(x * 10)]! += 1
    const chiSquare = counts.reduce((sum, count) => sum + (count - 2000) ** 2 / 2000, 0)
    expect(chiSquare).toBeLessThan(27.9) // 9 degrees of freedom, p = 0.001
    expect(Math.min(...draws)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...draws)).toBeLessThan(1)
  })

  test('has normal numbers of mean 0, variance 1 and the usual tails', () => {
    const rng = stream(4, 'normal')
    const draws = take(20_000, () => rng.normal())
    const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length
    expect(Math.abs(mean)).toBeLessThan(0.025)
    expect(Math.abs(variance - 1)).toBeLessThan(0.035)
    expect(draws.filter((x) => Math.abs(x) > 1.96).length / draws.length).toBeCloseTo(0.05, 2)
  })

  test('has whole numbers that reach every value below the bound', () => {
    const rng = stream(5, 'below')
    expect(new Set(take(200, () => rng.below(6)))).toEqual(new Set([0, 1, 2, 3, 4, 5]))
  })
})

test('a seed is a whole number of 31 bits that follows from its purpose', () => {
  const seeds = take(
    100,
    (
      (number = 0) =>
      () =>
        seedFor(7, 'trial', number++)
    )(),
  )
  expect(new Set(seeds).size).toBe(100)
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)).toBe(true)
  expect(seedFor(7, 'trial', 3)).toBe(seeds[3])
})

test('shuffling keeps the items, changes their order and leaves its input alone', () => {
  const items = Object.freeze(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
  const order = shuffled(items, stream(1, 'shuffle'))
  expect(order.toSorted()).toEqual(items)
  expect(order).not.toEqual(items)
  expect(shuffled(items, stream(1, 'shuffle'))).toEqual(order)
})
