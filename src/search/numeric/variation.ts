import type { Rng } from '../../rng.ts'

/** How close children stay to their parents: higher is closer. Deb's values. */
const CROSSOVER_INDEX = 15
const MUTATION_INDEX = 20

/**
 * One of the two children of simulated binary crossover, within [0, 1]: as far from its parents as the bits of a binary
 * number would bring it. Half of the coordinates are one parent's. Deb & Agrawal 1995, bounded as in Deb's NSGA-II.
 */
export function simulatedBinary(a: number, b: number, rng: Rng): number {
  const isSecond = rng.uniform() < 0.5
  const own = isSecond ? b : a
  if (rng.uniform() < 0.5 || Math.abs(a - b) < 1e-14) return own
  const [low, high] = [Math.min(a, b), Math.max(a, b)]
  const isHigh = rng.uniform() < 0.5
  const room = isHigh ? 1 - high : low
  const beta = 1 + (2 * room) / (high - low)
  const alpha = 2 - beta ** -(CROSSOVER_INDEX + 1)
  const u = rng.uniform() * alpha
  const spread = (u <= 1 ? u : 1 / (2 - u)) ** (1 / (CROSSOVER_INDEX + 1))
  const middle = (low + high) / 2
  const x = isHigh ? middle + (spread * (high - low)) / 2 : middle - (spread * (high - low)) / 2
  return Math.min(1, Math.max(0, x))
}

/** A coordinate that has changed a little, within [0, 1]: polynomial mutation, as in Deb's NSGA-II. */
export function mutated(x: number, rng: Rng): number {
  const u = rng.uniform()
  const power = 1 / (MUTATION_INDEX + 1)
  const change =
    u < 0.5
      ? (2 * u + (1 - 2 * u) * (1 - x) ** (MUTATION_INDEX + 1)) ** power - 1
      : 1 - (2 * (1 - u) + (2 * u - 1) * x ** (MUTATION_INDEX + 1)) ** power
  return Math.min(1, Math.max(0, x + change))
}
