import { TuneError } from '../errors.ts'
import { stream, type Rng } from '../rng.ts'
import { levelAt, levelCentre, type Dim } from '../space.ts'
import type { History } from '../trial.ts'
import { drawLevel } from './categories.ts'
import { descentOf, type Descent } from './descent.ts'
import { deviations, sampleCma } from './numeric/cma.ts'
import { normalQuantile } from '../normal.ts'
import { owenScramble, SOBOL_DIMS, sobolCoordinate } from './numeric/sobol_sequence.ts'
import { drawAllowed, isRepeat } from './points.ts'
import { rank } from './ranking.ts'
import type { Sampler } from './sampler.ts'

/** Draws until one lies in the cube; after that, the last is moved to its sides. */
const DRAWS = 100
/** Draws until one was not tried before, in a space of levels. */
const DRAWS_OF_NEW = 16

interface CmaesOptions {
  /** Trials of a generation, after each of which the distribution moves; at least 3. Default: 4 + 3 ln d for d numbers. */
  readonly population?: number
}

/**
 * Follows the slope of the results: covariance matrix adaptation (Hansen 2016, arXiv:1604.00772), with a margin for
 * integers and ordinals (Hamano et al. 2022) and restarts with twice the population (IPOP, Auger & Hansen 2005) where it
 * has converged. Made for numbers that depend on each other, and for 100 trials and more.
 *
 * All trials count, whoever suggested them: in the order of their numbers, they are the generations. So earlier trials
 * and those of other samplers are a warm start. Choices are drawn apart, by how often the best trials made them; a number
 * that a choice switches off counts as if it had been drawn by chance. Trials that have not ended are left out until they
 * do. With several goals, it looks at the first.
 */
export function cmaes({ population }: CmaesOptions = {}): Sampler {
  if (population !== undefined && !(Number.isInteger(population) && population >= 3))
    throw new TuneError('study/invalid', `cmaes({ population: ${population} }): must be a whole number of at least 3`)
  const descentAt = descentOf(population)
  return {
    name: 'cmaes',
    suggest(history, rng) {
      const { dims, trials } = history
      const descent = descentAt(history)
      const { ended } = rank(history)
      const even = evenNormals(history, descent.numeric.length, rng)
      const draw = (attempt: number) => {
        const point = dims.map((dim, d) => (dim.ordered ? 0.5 : drawLevel(dim, d, ended, rng)))
        const numbers = insideCube(descent, dims, attempt === 0 ? even : normals(descent, rng), rng)
        for (const [i, d] of descent.numeric.entries()) point[d] = numbers[i]!
        return point
      }
      let point = drawAllowed(history, draw, rng)
      for (let n = 1; n < DRAWS_OF_NEW && isRepeat(dims, point, trials); n++)
        point = drawAllowed(history, (attempt) => draw(n + attempt), rng)
      return { point, reason: reasonOf(descent) }
    },
  }
}

/** Coordinates of a sample: those of levels the centres of theirs, the others within the cube. */
function insideCube(descent: Descent, dims: readonly Dim[], z: Float64Array, rng: Rng): readonly number[] {
  const levels = descent.numeric.map((d) => dims[d]!.levels)
  const isInside = (sample: Float64Array) => sample.every((x, i) => levels[i]! < Infinity || (x >= 0 && x <= 1))
  let sample = sampleCma(descent.cma, z)
  for (let n = 1; n < DRAWS && !isInside(sample); n++) sample = sampleCma(descent.cma, normals(descent, rng))
  return Array.from(sample, (x, i) => {
    const count = levels[i]!
    return count < Infinity ? levelCentre(levelAt(x, count), count) : Math.min(1, Math.max(0, x))
  })
}

function normals({ numeric }: Descent, rng: Rng): Float64Array {
  return Float64Array.from(numeric, () => rng.normal())
}

/**
 * Normal numbers that are spread evenly over the trials that follow each other: those of a generation miss no side.
 * Teytaud & Gelly 2007, "DCMA: yet another derandomization in covariance-matrix-adaptation".
 */
function evenNormals({ trials }: History, count: number, rng: Rng): Float64Array {
  const scrambles = stream(trials[0]?.seed ?? rng.below(2 ** 31), 'cmaes', 'spread')
  return Float64Array.from({ length: count }, (_, i) => {
    if (i >= SOBOL_DIMS) return rng.normal()
    const bits = owenScramble(sobolCoordinate(trials.length, i), scrambles.below(2 ** 32))
    return normalQuantile((bits + 0.5) / 2 ** 32)
  })
}

function reasonOf({ cma, population, restarts }: Descent): string {
  const spread = Math.max(0, ...deviations(cma))
  const again = restarts > 0 ? `, restarted ${restarts} times` : ''
  return `drawn around the best of generation ${cma.generation} (of ${population} trials${again}), deviation ${spread.toPrecision(2)}`
}
