import { TuneError } from '../errors.ts'
import type { Rng } from '../rng.ts'
import { levelAt, levelCentre, type Dim, type Point } from '../space.ts'
import type { Trial } from '../trial.ts'
import { evolve } from './generations.ts'
import { inFronts, type Ranked } from './fronts.ts'
import { mutated, simulatedBinary } from './numeric/variation.ts'
import { drawAllowed } from './points.ts'
import type { Sampler } from './sampler.ts'
import { sobol } from './sobol.ts'

interface Nsga2Options {
  /** Trials of a generation, and how many of all survive; at least 4. Default 20. */
  readonly population?: number
}

/** How often a child is a mixture of its parents, and not the first one's copy. */
const CROSSOVER = 0.9

/**
 * Breeds trials: NSGA-II (Deb et al. 2002). From two good trials each, simulated binary crossover (Deb & Agrawal 1995)
 * and polynomial mutation make the next; choices come from either. Made for two to four goals and for many trials, 300
 * and more; with fewer, `gp` finds better fronts. It asks in no time at all.
 *
 * The first generation is spread evenly. All trials count, whoever suggested them: in the order of their numbers they
 * are the generations, and of each and what survived so far, the best survive: those that keep the constraints first,
 * then front by front, those far from others before those in a crowd. Pruned and failed trials come last.
 */
export function nsga2({ population = 20 }: Nsga2Options = {}): Sampler {
  if (!(Number.isInteger(population) && population >= 4))
    throw new TuneError('study/invalid', `nsga2({ population: ${population} }): must be a whole number of at least 4`)
  const start = sobol()
  const survivorsOf = evolve<readonly Ranked[]>({
    first: () => [],
    sizeOf: () => population,
    next: (survivors, generation, history) =>
      inFronts([...survivors.map(({ trial }) => trial), ...generation], history).slice(0, population),
  })
  return {
    name: 'nsga2',
    suggest(history, rng) {
      const survivors = survivorsOf(history)
      if (survivors.length === 0) return start.suggest(history, rng)
      const [mother, father] = [winner(survivors, rng), winner(survivors, rng)]
      const point = drawAllowed(history, () => child(history.dims, mother.point, father.point, rng), rng)
      return {
        point,
        reason: `bred from trials ${mother.number} and ${father.number}, of ${survivors.length} survivors`,
      }
    },
  }
}

/** The better of two survivors at random, which stand in their order. */
function winner(survivors: readonly Ranked[], rng: Rng): Trial {
  const [a, b] = [rng.below(survivors.length), rng.below(survivors.length)]
  return survivors[Math.min(a, b)]!.trial
}

function child(dims: readonly Dim[], mother: Point, father: Point, rng: Rng): Point {
  const isMixed = rng.uniform() < CROSSOVER
  const point: number[] = []
  for (const [d, dim] of dims.entries()) {
    const inherited = isMixed ? mixed(dim, mother[d]!, father[d]!, rng) : mother[d]!
    // A branch that neither parent took has nothing to pass on.
    const x = Number.isNaN(inherited) ? rng.uniform() : inherited
    const isMutated = rng.uniform() * dims.length < 1
    point.push(onLevel(dim, isMutated ? changed(dim, x, rng) : x))
  }
  return point
}

function mixed({ ordered }: Dim, a: number, b: number, rng: Rng): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) ? b : a
  if (!ordered) return rng.uniform() < 0.5 ? a : b
  return simulatedBinary(a, b, rng)
}

function changed({ ordered }: Dim, x: number, rng: Rng): number {
  return ordered ? mutated(x, rng) : rng.uniform()
}

function onLevel({ levels }: Dim, x: number): number {
  return levels < Infinity ? levelCentre(levelAt(x, levels), levels) : x
}
