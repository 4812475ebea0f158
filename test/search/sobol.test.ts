import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { owenScramble, SOBOL_DIMS, sobolCoordinate } from '../../src/search/numeric/sobol_sequence.ts'
import { sobol } from '../../src/search/sobol.ts'
import type { Dim, Point } from '../../src/space.ts'
import { samplerContract } from '../contracts/sampler.ts'
import { firstPoints, historyOf, trialOf } from './histories.ts'

samplerContract(sobol())

/** The points that trials 0, 1, ... of a study would get. */
function points(count: number, dimensions: number, seed = 1): readonly Point[] {
  const dims = Array.from({ length: dimensions }, (_, i): Dim => ({ name: `x${i}`, levels: Infinity, ordered: true }))
  const trials = Array.from({ length: count }, (_, n) => trialOf(n, []))
  return trials.map((_, n) => sobol({ seed }).suggest(historyOf(dims, trials.slice(0, n)), stream(0, n))?.point ?? [])
}

describe('the Sobol sequence', () => {
  test('is that of scipy, whose points stand in the order of Gray codes', () => {
    // scipy 1.17: qmc.Sobol(64, scramble=False).random(1024), rows 9 and 624, in 1024ths.
    // prettier-ignore
    const reference = [
      [13, [704, 832, 448, 960, 64, 832, 960, 448, 448, 832, 192, 576, 448, 448, 320, 448, 320, 320, 448, 832, 704, 192, 704, 448, 960, 576, 64, 704, 192, 448, 960, 320, 576, 448, 64, 960, 704, 320, 832, 64, 64, 576, 320, 704, 704, 832, 832, 832, 960, 576, 64, 960, 704, 448, 320, 960, 960, 64, 576, 832, 64, 576, 960, 192]],
      [1000, [95, 165, 461, 931, 1017, 167, 17, 655, 1023, 125, 237, 1011, 143, 955, 901, 17, 683, 443, 781, 461, 269, 637, 487, 339, 759, 871, 987, 893, 499, 199, 201, 507, 409, 13, 407, 503, 163, 29, 741, 453, 657, 451, 841, 409, 395, 825, 375, 839, 597, 569, 667, 115, 257, 387, 695, 323, 3, 403, 955, 979, 415, 91, 7, 1023]],
    ] as const
    for (const [index, expected] of reference) {
      expect(expected.map((_, d) => sobolCoordinate(index, d) / 2 ** 22)).toEqual(expected)
    }
  })

  test('has a dimension for each that its table holds', () => {
    expect(SOBOL_DIMS).toBe(64)
  })
})

describe('a scramble', () => {
  test('maps each fraction to one of its own, and each half, quarter, ... into one of its kind', () => {
    for (const bits of [1, 3, 8]) {
      const cells = Array.from(
        { length: 2 ** bits },
        (_, i) => owenScramble(i * 2 ** (32 - bits), 12_345) >>> (32 - bits),
      )
      expect(new Set(cells).size).toBe(2 ** bits)
    }
  })

  test('moves a point to each eighth of the range by as many seeds', () => {
    const rng = stream(1, 'seeds')
    const counts = Array.from({ length: 8 }, () => 0)
    for (let i = 0; i < 8000; i++) counts[Math.floor(owenScramble(0x20000000, rng.below(2 ** 32)) / 2 ** 29)]! += 1
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
    expect(chiSquare).toBeLessThan(24.3) // 7 degrees of freedom, p = 0.001
  })
})

describe('sobol', () => {
  test('puts one of 64 points in each 64th of every dimension', () => {
    const all = points(64, SOBOL_DIMS)
    for (let d = 0; d < SOBOL_DIMS; d++) {
      expect(new Set(all.map((point) => Math.floor((point[d] ?? 0) * 64))).size).toBe(64)
    }
  })

  test('puts one of 64 points in each box of a 64th of the first two dimensions, whatever its shape', () => {
    const all = points(64, 2)
    for (const [columns, rows] of [
      [2, 32],
      [4, 16],
      [8, 8],
      [16, 4],
      [32, 2],
    ] as const) {
      // prettier-ignore
      const boxes = all.map(([x = 0, y = 0]) => `${Math.floor(x * columns)},${Math.floor(y * rows)}`)
      expect(new Set(boxes).size).toBe(64)
    }
  })

  test('covers a plane more evenly than chance does', () => {
    const [a, b] = [points(256, 12).map((point) => point[10] ?? 0), points(256, 12).map((point) => point[11] ?? 0)]
    const boxes = new Set(a.map((x, i) => `${Math.floor(x * 16)},${Math.floor((b[i] ?? 0) * 16)}`))
    expect(boxes.size).toBeGreaterThan(185) // of 256; chance fills 162
  })

  test('has the scramble of its seed, or else that of trial 0', () => {
    expect(points(3, 2, 1)).not.toEqual(points(3, 2, 2))
    expect(points(3, 2, 1)).toEqual(points(3, 2, 1))
  })

  test('gives the points it always gave', () => {
    expect(firstPoints(sobol(), 5)).toMatchInlineSnapshot(`
      [
        "0.161208 0.867806 0.754011",
        "0.777119 0.730944 0.599794",
        "0.448118 0.067031 0.332931",
        "0.673820 0.993139 0.428345",
        "0.014946 0.327954 0.685227",
      ]
    `)
  })
})
