import type { Point } from './param.ts'

/** A sum over coordinates of the unit cube that is to be at most so much. */
export interface HalfSpace {
  readonly terms: readonly Term[]
  readonly atMost: number
}

/** What one coordinate adds: along it, that only rises or only falls. */
export interface Term {
  readonly dim: number
  readonly at: (x: number) => number
}

/** Whether a sum is at most a bound, but for rounding. */
export function isAtMost(terms: readonly number[], bound: number): boolean {
  let [sum, size] = [0, 0]
  for (const term of terms) {
    sum += term
    size += Math.abs(term)
  }
  return sum <= bound + 1e-9 * size
}

/** Rounds of moving a point into one half-space after the other. */
const ROUNDS = 500
/** Halvings, by which a place in the unit interval is found to the last of its 53 bits. */
const HALVINGS = 53
/** Room of a coordinate that has only one place. */
const POINT = 1e-12

/** Whether a point lies in all of some half-spaces. */
export function isWithin(within: readonly HalfSpace[], point: Point): boolean {
  return within.every((half) => isInside(half, point))
}

function isInside({ terms, atMost }: HalfSpace, point: Point): boolean {
  const rounding = 1e-15 * terms.reduce((sum, { at }) => sum + Math.max(Math.abs(at(0)), Math.abs(at(1))), 0)
  return isAtMost(valuesAt(terms, point), atMost + rounding)
}

function valuesAt(terms: readonly Term[], point: Point): readonly number[] {
  return terms.map(({ dim, at }) => at(point[dim]!))
}

/**
 * The point of half-spaces that is next to one outside: into one after the other until it lies in all (von Neumann's
 * alternating projections), each time along the mean slopes of its sum, as far as there is need. Where sums are linear
 * along the cube, a single half-space's is the nearest point there is. Where that does not find in, as among levels, the
 * coordinates are placed one by one. May stay outside where even that leads nowhere.
 */
export function movedWithin(within: readonly HalfSpace[], point: Point): Point {
  let moved = point
  for (let round = 0; round < ROUNDS; round++) {
    const broken = within.find((half) => !isInside(half, moved))
    if (!broken) return moved
    moved = movedInto(broken, moved)
  }
  if (isWithin(within, moved)) return moved
  const placed = placing(within)(point)
  return placed.room > 0 ? placed.point : point
}

function movedInto(half: HalfSpace, point: Point): Point {
  const slopes = half.terms.map(({ at }) => at(1) - at(0))
  const steepest = Math.max(...slopes.map(Math.abs))
  if (steepest === 0) return point
  const least = Math.min(...slopes.filter((slope) => slope !== 0).map(Math.abs))
  const after = (way: number) => {
    const moved = [...point]
    for (const [i, { dim }] of half.terms.entries())
      moved[dim] = Math.min(1, Math.max(0, moved[dim]! - (way * slopes[i]!) / steepest))
    return moved
  }
  // After the longest way, each coordinate is at its end.
  let [from, to] = [0, steepest / least]
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (from + to) / 2
    if (sumOf(valuesAt(half.terms, after(middle))) <= half.atMost) to = middle
    else from = middle
  }
  return after(to)
}

/** A point of half-spaces, and the room that its coordinates had there, as a share of the cube: 0 outside. */
export interface Placed {
  readonly point: Point
  readonly room: number
}

/**
 * Brings points of the whole cube into half-spaces: one coordinate after the other is stretched over what those before it
 * leave. Of even points, the density of what comes out is as 1 / room. Where several half-spaces share coordinates, that may
 * lead to a dead end, with room 0.
 */
export function placing(within: readonly HalfSpace[]): (point: Point) => Placed {
  const dims = [...new Set(within.flatMap(({ terms }) => terms.map(({ dim }) => dim)))].toSorted((a, b) => a - b)
  const along = dims.map((dim) => ({
    dim,
    terms: within.map(({ terms }) => terms.find((term) => term.dim === dim)),
  }))
  const leasts = within.map(({ terms, atMost }) => atMost - sumOf(terms.map(leastOf)))
  return (point) => {
    const placed = [...point]
    // What each sum may still grow by, the coordinates to come being where they add least.
    const slack = [...leasts]
    let room = 1
    for (const { dim, terms } of along) {
      let [low, high] = [0, 1]
      for (const [h, term] of terms.entries()) {
        if (!term) continue
        const [from, to] = stretch(term, slack[h]! + leastOf(term))
        ;[low, high] = [Math.max(low, from), Math.min(high, to)]
      }
      // Ends that should meet may miss each other by rounding.
      const isDeadEnd = low > high + 1e-9
      room *= isDeadEnd ? 0 : Math.max(high - low, POINT)
      const x = Math.min(1, Math.max(0, high >= low ? low + placed[dim]! * (high - low) : (low + high) / 2))
      placed[dim] = x
      for (const [h, term] of terms.entries()) if (term) slack[h]! -= term.at(x) - leastOf(term)
    }
    return { point: placed, room }
  }
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function leastOf({ at }: Term): number {
  return Math.min(at(0), at(1))
}

/** Where along its coordinate a term is at most so much; an end of it, where it nowhere is. */
function stretch({ at }: Term, most: number): readonly [from: number, to: number] {
  return at(0) <= at(1) ? [0, lastAtMost(at, most)] : [1 - lastAtMost((x) => at(1 - x), most), 1]
}

function lastAtMost(rising: (x: number) => number, most: number): number {
  if (rising(1) <= most) return 1
  if (rising(0) > most + 1e-9 * (Math.abs(rising(0)) + Math.abs(rising(1)))) return -1
  let [from, to] = [0, 1]
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (from + to) / 2
    if (rising(middle) <= most) from = middle
    else to = middle
  }
  return from
}
