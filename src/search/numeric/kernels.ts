import type { Rng } from '../../rng.ts'
import { levelAt, levelCentre, type Dim } from '../../space.ts'
import { bandwidths } from './bandwidths.ts'
import { normalBetween, normalCdf } from '../../normal.ts'

/** What the components of a mixture are along one dimension: component i spreads around observation i. */
export interface Kernels {
  /** Adds to `into` the log density of each component at x. */
  addLogDensity(x: number, into: Float64Array): void
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
  const centres = new Float64Array(observed.length)
  const precisions = widths.map((width) => 1 / width)
  for (let i = 0; i < observed.length; i++) {
    centres[i] = centreOf(observed[i]!)
    logNorms[i] = logNorm(centres[i]!, widths[i]!) - Math.log(widths[i]! * Math.sqrt(2 * Math.PI))
  }
  return {
    addLogDensity(x, into) {
      for (let i = 0; i < into.length; i++) {
        const z = (x - centres[i]!) * precisions[i]!
        into[i]! += logNorms[i]! - 0.5 * z * z
      }
    },
    draw: (component, rng) => drawTruncated(centres[component]!, widths[component]!, rng),
  }
}

/** Normal distributions cut off at 0 and 1 and summed over the cell of each level. */
function cells(levels: number, observed: Float64Array, widths: Float64Array): Kernels {
  // Many observations share a level, and with it a kernel: each kind is worked out once.
  const { kinds, kindOf } = distinct(observed, widths)
  const logNorms = kinds.map(({ centre, width }) => logNorm(centre, width))
  const logMassesAt = memo((level) =>
    Float64Array.from(kinds, ({ centre, width }, kind) => {
      const mass = normalBetween((level / levels - centre) / width, ((level + 1) / levels - centre) / width)
      return logNorms[kind]! + Math.log(mass)
    }),
  )
  return {
    addLogDensity(x, into) {
      const logMasses = logMassesAt(levelAt(x, levels))
      for (let i = 0; i < into.length; i++) into[i]! += logMasses[kindOf[i]!]!
    },
    draw(component, rng) {
      const { centre, width } = kinds[kindOf[component]!]!
      return levelCentre(levelAt(drawTruncated(centre, width, rng), levels), levels)
    },
  }
}

/** The different kernels around some observations, and which of them each component has. */
function distinct(observed: Float64Array, widths: Float64Array) {
  const kinds: { readonly centre: number; readonly width: number }[] = []
  const kindOf = new Uint32Array(observed.length)
  const known = new Map<number, number>()
  for (let i = 0; i < observed.length; i++) {
    const x = observed[i]!
    const kind = known.get(x) ?? kinds.length
    if (kind === kinds.length) kinds.push({ centre: centreOf(x), width: widths[i]! })
    known.set(x, kind)
    kindOf[i] = kind
  }
  return { kinds, kindOf }
}

/** One observed category each, above a floor that all categories share. */
function categories(levels: number, observed: Float64Array): Kernels {
  // As Optuna: one observation against a whole one of the prior, split over all components.
  const count = observed.length
  const total = 1 + levels / count
  const [hit, miss, prior] = [Math.log((1 + 1 / count) / total), Math.log(1 / count / total), -Math.log(levels)]
  // NaN stays NaN, and equals no level.
  const seenLevels = observed.map((seen) => levelAt(seen, levels))
  return {
    addLogDensity(x, into) {
      const level = levelAt(x, levels)
      for (let i = 0; i < into.length; i++) {
        const seen = seenLevels[i]!
        into[i]! += seen === level ? hit : Number.isNaN(seen) ? prior : miss
      }
    },
    draw(component, rng) {
      const seen = observed[component]!
      const any = Number.isNaN(seen) || rng.uniform() * total >= 1
      return any ? levelCentre(rng.below(levels), levels) : levelCentre(levelAt(seen, levels), levels)
    },
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
  return -Math.log1p(-tail(centre / width) - tail((1 - centre) / width))
}

/** The probability of a normal number beyond so many deviations; from 9 on it makes no difference to 1. */
function tail(deviations: number): number {
  return deviations < 9 ? normalCdf(-deviations) : 0
}

function drawTruncated(centre: number, width: number, rng: Rng): number {
  // The centre lies within, so at least a third of the draws do.
  for (;;) {
    const x = centre + width * rng.normal()
    if (x >= 0 && x <= 1) return x
  }
}
