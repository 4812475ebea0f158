import type { Rng } from '../rng.ts'
import { levelCentre, type Point } from '../space.ts'
import type { Acquisition } from './acquisition.ts'
import { activity, snapped, type Encoding } from './encoding.ts'
import { minimizeInBox } from './numeric/minimize.ts'
import { SOBOL_DIMS, sobolColumn } from './numeric/sobol_sequence.ts'

/** A point of the cube and how much it is worth trying. */
export interface Proposal {
  readonly point: Float64Array
  readonly value: number
}

/** Points that are looked at first, and how many covariances that may cost. */
const MOST_CANDIDATES = 1024
const MOST_COVARIANCES = 2 ** 17
/** The part of them that lies around known points, and how far: in lengthscales, or halves of the cube, at most. */
const AROUND = 0.25
const DISTANCES = [0.5, 0.25, 0.125, 0.0625]
const STARTS = 10
const ROUNDS = 20
/** Of all starts, some steps show which hills are worth climbing to their tops. */
const FIRST_STEPS = 12
const MOST_STEPS = 100
const FINISHED = 3

/** What is known before a search: where it starts in any case, and which points to look at the surroundings of. */
interface Known {
  readonly incumbents: readonly Point[]
  readonly surrounded: readonly Point[]
}

/**
 * Points that an acquisition finds most worth trying, the best first: from the best of evenly spread points and of
 * points around those that are known, from some of the others by chance (the better, the likelier) and from the
 * incumbents, by turns along the gradient in the numbers, `weights` telling how quickly each matters, and level by level
 * in the rest. Where not all points are allowed, ways start at those that are, and end at their start where they lead
 * out: it stands behind all summits.
 */
export function propose(
  encoding: Encoding,
  acquisition: Acquisition,
  { incumbents, surrounded }: Known,
  weights: Float64Array,
  rng: Rng,
  allows?: (point: Point) => boolean,
): readonly Proposal[] {
  const count = Math.min(MOST_CANDIDATES, Math.ceil(MOST_COVARIANCES / acquisition.cost))
  const near = pointsAround(encoding, surrounded, Math.ceil(AROUND * count), weights, rng)
  const points = [...near, ...evenPoints(encoding, count - near.length, rng)]
  const candidates = points.map((point) => ({ point, value: acquisition.value(point) }))
  const allowed = allows ? candidates.filter(({ point }) => allows([...point])) : candidates
  const spread = allowed.length > 0 ? allowed : candidates
  const known = incumbents.map((incumbent) => {
    const point = Float64Array.from(incumbent, (x) => (Number.isNaN(x) ? rng.uniform() : x))
    return { point, value: acquisition.value(point) }
  })
  const starts = [...known, ...roulette(spread, STARTS - known.length, rng)]
  const climb = (start: Proposal, steps: number) => summit(encoding, acquisition, start, weights, steps)
  const found = starts.map((start) => climb(start, FIRST_STEPS)).toSorted((a, b) => b.value - a.value)
  const finished = found.slice(0, FINISHED).map((proposal) => climb(proposal, MOST_STEPS))
  const within = allows ? starts.toSorted((a, b) => b.value - a.value) : []
  return [...finished.toSorted((a, b) => b.value - a.value), ...found.slice(FINISHED), ...within]
}

/**
 * Points by chance around some others: numbers move by normal steps of several sizes, levels now and then. The peaks of
 * an acquisition near the best trials are too narrow for evenly spread points to meet.
 */
function pointsAround(
  { dims, discrete }: Encoding,
  centres: readonly Point[],
  count: number,
  weights: Float64Array,
  rng: Rng,
): readonly Float64Array[] {
  const lengths = weights.map((weight) => Math.min(0.5, 1 / Math.sqrt(weight)))
  return Array.from({ length: centres.length > 0 ? count : 0 }, (_, i) => {
    const distance = DISTANCES[Math.floor(i / centres.length) % DISTANCES.length]!
    return Float64Array.from(centres[i % centres.length]!, (x, d) => {
      if (Number.isNaN(x) || (discrete[d] && rng.uniform() < distance / 2)) return snapped(dims[d]!, rng.uniform())
      return discrete[d] ? x : Math.max(0, Math.min(1, x + distance * lengths[d]! * rng.normal()))
    })
  })
}

/** Evenly spread points, with some number in every coordinate. */
export function evenPoints({ dims }: Encoding, count: number, rng: Rng): readonly Float64Array[] {
  const columns = dims.map((dim, d) => {
    const column =
      d < SOBOL_DIMS
        ? sobolColumn(count, d, rng.below(2 ** 32))
        : Float64Array.from({ length: count }, () => rng.uniform())
    return column.map((x) => snapped(dim, x))
  })
  return Array.from({ length: count }, (_, i) => Float64Array.from(columns, (column) => column[i]!))
}

/** The best, and others with chances as their values are, e to the power of them (by Gumbel's trick). */
function roulette(proposals: readonly Proposal[], count: number, rng: Rng): readonly Proposal[] {
  const best = proposals.reduce((a, b) => (b.value > a.value ? b : a))
  const keyed = proposals.map((proposal) => ({ proposal, key: proposal.value - Math.log(-Math.log(rng.uniform())) }))
  const others = keyed.filter(({ proposal }) => proposal !== best).toSorted((a, b) => b.key - a.key)
  return [best, ...others.slice(0, count - 1).map(({ proposal }) => proposal)]
}

/** The top of the hill that a proposal stands on, or the way up there as far as some steps lead. */
function summit(
  encoding: Encoding,
  acquisition: Acquisition,
  start: Proposal,
  weights: Float64Array,
  steps: number,
): Proposal {
  let at = start
  for (let round = 0; round < ROUNDS; round++) {
    const before = at.value
    at = alongGradient(encoding, acquisition, at, weights, steps)
    const onGradient = at.value
    at = levelByLevel(encoding, acquisition, at)
    if (at.value === onGradient || at.value - before < 1e-4) break
  }
  const point = at.point.map((x, d) => snapped(encoding.dims[d]!, x))
  return point.every((x, d) => x === at.point[d]) ? at : { point, value: acquisition.value(point) }
}

/** Moves the numbers that count here, each in units of its lengthscale. */
function alongGradient(
  encoding: Encoding,
  acquisition: Acquisition,
  at: Proposal,
  weights: Float64Array,
  iterations: number,
): Proposal {
  const isOn = new Uint8Array(encoding.dims.length)
  activity(encoding, at.point, isOn)
  const moving = encoding.dims.flatMap((_, d) => (isOn[d] && !encoding.discrete[d] ? [d] : []))
  if (moving.length === 0) return at
  const scales = moving.map((d) => Math.sqrt(weights[d]!))
  const point = Float64Array.from(at.point)
  const slopes = new Float64Array(point.length)
  const place = (x: Float64Array) => moving.forEach((d, i) => (point[d] = Math.min(1, x[i]! / scales[i]!)))
  const { x, value } = minimizeInBox(
    (x, into) => {
      place(x)
      const value = acquisition.slopes(point, slopes)
      moving.forEach((d, i) => (into[i] = -slopes[d]! / scales[i]!))
      return -value
    },
    moving.map((d, i) => at.point[d]! * scales[i]!),
    scales.map(() => 0),
    scales,
    { iterations, tolerance: 1e-2 },
  )
  if (!(-value > at.value)) return at
  place(x)
  return { point, value: -value }
}

/** Tries each level of each dimension that has few, one dimension after the other. */
function levelByLevel({ dims, discrete, ...rest }: Encoding, acquisition: Acquisition, start: Proposal): Proposal {
  let at = start
  const isOn = new Uint8Array(dims.length)
  for (let d = 0; d < dims.length; d++) {
    const levels = discrete[d]!
    activity({ dims, discrete, ...rest }, at.point, isOn)
    if (!isOn[d]) continue
    for (let level = 0; level < levels; level++) {
      const point = at.point.with(d, levelCentre(level, levels))
      const value = acquisition.value(point)
      if (value > at.value) at = { point, value }
    }
  }
  return at
}
