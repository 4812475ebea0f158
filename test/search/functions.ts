import { stream } from '../../src/rng.ts'
import type { Sampler } from '../../src/search/sampler.ts'
import { decodeSpace, encodeSpace, type Dim, type Point, type Space } from '../../src/space.ts'
import type { Trial } from '../../src/trial.ts'
import { historyOf, trialOf } from './histories.ts'

/** A function to minimize over the unit cube. */
export interface TestFunction {
  readonly dims: readonly Dim[]
  /** The space that the dimensions are of, where it is more than numbers of [0, 1]. */
  readonly space?: Space
  readonly lowest: number
  at(point: Point): number
}

export function numbers(count: number): readonly Dim[] {
  return Array.from({ length: count }, (_, i) => ({ name: `x${i}`, levels: Infinity, ordered: true }))
}

/** Three lowest points in a bent valley, of -5..10 by 0..15. */
export const branin: TestFunction = {
  dims: numbers(2),
  lowest: 0.39788735772973816,
  at([u = 0, v = 0]) {
    const [x, y] = [15 * u - 5, 15 * v]
    const valley = y - (5.1 * x * x) / (4 * Math.PI ** 2) + (5 * x) / Math.PI - 6
    return valley ** 2 + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10
  },
}

const A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]] // prettier-ignore
const P = [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991], [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]] // prettier-ignore

/** Four dents in six dimensions. */
export const hartmann6: TestFunction = {
  dims: numbers(6),
  lowest: -3.322368011415515,
  at(point) {
    const dents = [1, 1.2, 3, 3.2].map((depth, i) => {
      const far = point.reduce((sum, x, j) => sum + (A[i]?.[j] ?? 0) * (x - 1e-4 * (P[i]?.[j] ?? 0)) ** 2, 0)
      return depth * Math.exp(-far)
    })
    return -dents.reduce((sum, dent) => sum + dent, 0)
  },
}

/** A bent valley in five dimensions, of -5..10 each; its losses span six orders of magnitude. */
export const rosenbrock5: TestFunction = {
  dims: numbers(5),
  lowest: 0,
  at(point) {
    const x = point.map((u) => 15 * u - 5)
    return x.slice(1).reduce((sum, next, i) => sum + 100 * (next - (x[i] ?? 0) ** 2) ** 2 + (1 - (x[i] ?? 0)) ** 2, 0)
  },
}

/** A bowl full of ripples, in ten dimensions of -32.768..32.768 each. */
export const ackley10: TestFunction = {
  dims: numbers(10),
  lowest: 0,
  at(point) {
    const x = point.map((u) => 32.768 * (2 * u - 1))
    const mean = (of: (v: number) => number) => x.reduce((sum, v) => sum + of(v), 0) / x.length
    const bowl = -20 * Math.exp(-0.2 * Math.sqrt(mean((v) => v * v)))
    return bowl - Math.exp(mean((v) => Math.cos(2 * Math.PI * v))) + 20 + Math.E
  },
}

/** A wide bowl with a dent at every whole number, in five dimensions of -5.12..5.12 each. */
export const rastrigin5: TestFunction = {
  dims: numbers(5),
  lowest: 0,
  at(point) {
    const x = point.map((u) => 5.12 * (2 * u - 1))
    return 10 * x.length + x.reduce((sum, v) => sum + v * v - 10 * Math.cos(2 * Math.PI * v), 0)
  },
}

/** The point that a store would keep of a suggested one: of its values alone. */
export function placed({ space }: TestFunction, point: Point): Point {
  return space ? encodeSpace(space, decodeSpace(space, point)) : point
}

/** How far the best of a study's trials is from the lowest point, by the function without its noise. */
export function regret(sampler: Sampler, fn: TestFunction, seed: number, trials: number, noise = 0): number {
  const done: Trial[] = []
  for (let n = 0; n < trials; n++) {
    const point = placed(fn, sampler.suggest(historyOf(fn.dims, done), stream(seed, 'suggest', n))?.point ?? [])
    const loss = fn.at(point) + noise * stream(seed, 'noise', n).normal()
    done.push(trialOf(n, [loss], { point, seed }))
  }
  const lossOf = ({ reports }: Trial) => reports[0]?.metrics['loss'] ?? Infinity
  const best = done.toSorted((a, b) => lossOf(a) - lossOf(b))[0]
  return fn.at(best?.point ?? []) - fn.lowest
}
