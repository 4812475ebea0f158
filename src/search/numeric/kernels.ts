import type { Rng } from '../../rng.ts'
import { levelAt, levelCentre, type Dim } from '../../space.ts'
import { ascending, bandwidths } from './bandwidths.ts'
import { normalBetween, normalCdf } from '../../normal.ts'

/** What the components of a mixture are along one dimension: component i spreads around observation i. */
export interface Kernels {
  /**
   * Adds to `into` the log density of each component at each of some coordinates, those of one component beside each
   * other; nothing where a coordinate is NaN, which is switched off.
   */
  addLogDensities(coordinates: Float64Array, into: Float64Array): void
  /** A number of [0, 1] from one component; for a dimension of levels, the centre of one. */
  draw(component: number, rng: Rng): number
}

/**
 * Kernels along a dimension around the coordinates observed there. A NaN, one that was switched off or stands for the
 * prior, knows nothing: its kernel spreads over the whole dimension.
 */
export function kernelsFor(dim: Dim, observed: Float64Array): Kernels {
  if (!dim.ordered) return categories(dim.levels, observed)
  return Number.isFinite(dim.levels)
    ? cells(dim.levels, observed, bandwidths(observed, 0.5 / dim.levels))
    : truncatedNormals(observed, bandwidths(observed, 0))
}

/** Normal distributions cut off at 0 and 1. */
function truncatedNormals(observed: Float64Array, widths: Float64Array): Kernels {
  const logNorms = new Float64Array(observed.length)
  // Most are as narrow as may be, and so of one width.
  let known = Number.NaN
  let logWidth = Number.NaN
  for (let i = 0; i < observed.length; i++) {
    const width = widths[i]!
    if (width !== known) logWidth = Math.log(width * Math.sqrt(2 * Math.PI))
    known = width
    logNorms[i] = logNorm(centreOf(observed[i]!), width) - logWidth
  }
  return {
    addLogDensities(coordinates, into) {
      for (let i = 0, at = 0; i < observed.length; i++) {
        const centre = centreOf(observed[i]!)
        const precision = 1 / widths[i]!
        const norm = logNorms[i]!
        for (let k = 0; k < coordinates.length; k++, at++) {
          const z = (coordinates[k]! - centre) * precision
          // Not where it is NaN.
          if (z < Infinity) into[at]! += norm - 0.5 * z * z
        }
      }
    },
    draw: (component, rng) => drawTruncated(centreOf(observed[component]!), widths[component]!, rng),
  }
}

/** Normal distributions cut off at 0 and 1 and summed over the cell of each level. */
function cells(levels: number, observed: Float64Array, widths: Float64Array): Kernels {
  const { firsts, kindOf } = distinct(observed)
  const kinds = firsts.map((i) => ({ centre: centreOf(observed[i]!), width: widths[i]! }))
  const logNorms = kinds.map(({ centre, width }) => logNorm(centre, width))
  const logMass = (level: number, kind: number) => {
    const { centre, width } = kinds[kind]!
    const mass = normalBetween((level / levels - centre) / width, ((level + 1) / levels - centre) / width)
    return logNorms[kind]! + Math.log(mass)
  }
  return {
    addLogDensities: byLevel(levels, kindOf, kinds.length, logMass),
    draw(component, rng) {
      const { centre, width } = kinds[kindOf[component]!]!
      return levelCentre(levelAt(drawTruncated(centre, width, rng), levels), levels)
    },
  }
}

/** One observed category each, above a floor that all categories share. */
function categories(levels: number, observed: Float64Array): Kernels {
  // As Optuna: one observation against a whole one of the prior, split over all components.
  const count = observed.length
  const total = 1 + levels / count
  const [hit, miss, prior] = [Math.log((1 + 1 / count) / total), Math.log(1 / count / total), -Math.log(levels)]
  const { firsts, kindOf } = distinct(observed)
  // NaN stays NaN, and equals no level.
  const kinds = firsts.map((i) => levelAt(observed[i]!, levels))
  const logShare = (level: number, kind: number) => {
    const seen = kinds[kind]!
    return seen === level ? hit : Number.isNaN(seen) ? prior : miss
  }
  return {
    addLogDensities: byLevel(levels, kindOf, kinds.length, logShare),
    draw(component, rng) {
      const seen = observed[component]!
      const any = Number.isNaN(seen) || rng.uniform() * total >= 1
      return any ? levelCentre(rng.below(levels), levels) : levelCentre(levelAt(seen, levels), levels)
    },
  }
}

/**
 * The different ones among some observations, each by the place of one that has it, and which of them each component has.
 * Many share a level, and with it a kernel: each kind of them is worked out once.
 */
function distinct(observed: Float64Array): { readonly firsts: readonly number[]; readonly kindOf: Uint32Array } {
  const kindOf = new Uint32Array(observed.length)
  // The prior, which is the last, is NaN, as are those that were switched off.
  const firsts = [observed.length - 1]
  let before = Number.NaN
  const order = ascending(observed)
  for (let j = 0; j < order.length; j++) {
    const i = order[j]!
    if (observed[i] !== before) firsts.push(i)
    before = observed[i]!
    kindOf[i] = firsts.length - 1
  }
  return { firsts, kindOf }
}

/** Adds what each component has at each level, which follows from its kind and is worked out once. */
function byLevel(
  levels: number,
  kindOf: Uint32Array,
  kinds: number,
  logMass: (level: number, kind: number) => number,
): Kernels['addLogDensities'] {
  const logMassesAt = memo((level) => {
    const logMasses = new Float64Array(kinds)
    for (let kind = 0; kind < kinds; kind++) logMasses[kind] = logMass(level, kind)
    return logMasses
  })
  return (coordinates, into) => {
    const count = coordinates.length
    const table = new Float64Array(kinds * count)
    for (let k = 0; k < count; k++) {
      if (Number.isNaN(coordinates[k])) continue
      const logMasses = logMassesAt(levelAt(coordinates[k]!, levels))
      for (let kind = 0; kind < kinds; kind++) table[kind * count + k] = logMasses[kind]!
    }
    for (let i = 0, at = 0; i < kindOf.length; i++) {
      const row = kindOf[i]! * count
      for (let k = 0; k < count; k++, at++) into[at]! += table[row + k]!
    }
  }
}

/** What a function gives for each number, worked out once. */
function memo<T>(work: (key: number) => T): (key: number) => T {
  const known = new Map<number, T>()
  return (key) => {
    const value = known.get(key) ?? work(key)
    known.set(key, value)
    return value
  }
}

function centreOf(observed: number): number {
  return Number.isNaN(observed) ? 0.5 : observed
}

function logNorm(centre: number, width: number): number {
  if (centre / width >= NO_TAIL && (1 - centre) / width >= NO_TAIL) return 0
  return -Math.log1p(-tail(centre / width) - tail((1 - centre) / width))
}

/** Deviations beyond which there is so little of a normal distribution that it makes no difference to 1. */
const NO_TAIL = 9

/** The probability of a normal number beyond so many deviations. */
function tail(deviations: number): number {
  return deviations < NO_TAIL ? normalCdf(-deviations) : 0
}

function drawTruncated(centre: number, width: number, rng: Rng): number {
  // The centre lies within, so at least a third of the draws do.
  for (;;) {
    const x = centre + width * rng.normal()
    if (x >= 0 && x <= 1) return x
  }
}
