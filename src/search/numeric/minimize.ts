/** A function to minimize: returns its value at x and writes its slopes. */
export type Smooth = (x: Float64Array, slopes: Float64Array) => number

export interface Minimum {
  readonly x: Float64Array
  readonly value: number
}

interface MinimizeOptions {
  readonly iterations: number
  /** Done when no coordinate would move further than this along its slope within the box. */
  readonly tolerance: number
}

interface Step {
  readonly moved: Float64Array
  readonly turned: Float64Array
}

/** Steps of which the curvature is remembered, as in scipy. */
const MEMORY = 10
/** Done when an iteration gains less than this part of the value, as in scipy. */
const LEAST_GAIN = 2.2e-9

/**
 * A local minimum within a box: limited-memory BFGS (Nocedal & Wright 2006, algorithm 7.4) over the coordinates that
 * are free, those that their slope does not press against an end (Bertsekas 1982), with steps bent back into the box.
 */
export function minimizeInBox(
  fn: Smooth,
  start: ArrayLike<number>,
  low: ArrayLike<number>,
  high: ArrayLike<number>,
  { iterations, tolerance }: MinimizeOptions,
): Minimum {
  const clip = (x: number, i: number) => Math.min(high[i]!, Math.max(low[i]!, x))
  let x = Float64Array.from(start, clip)
  let slopes = new Float64Array(x.length)
  let value = fn(x, slopes)
  const steps: Step[] = []
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (x.every((at, i) => Math.abs(clip(at - slopes[i]!, i) - at) <= tolerance)) break
    const isFree = x.map((at, i) => Number(slopes[i]! > 0 ? at > low[i]! : at < high[i]!))
    const next = search(descent(slopes, isFree, steps)) ?? (steps.length > 0 ? search(steepest(isFree)) : undefined)
    if (!next) break
    const isLast = value - next.value <= LEAST_GAIN * Math.max(Math.abs(value), Math.abs(next.value), 1)
    remember(steps, x, next.x, slopes, next.slopes)
    ;({ x, slopes, value } = next)
    if (isLast) break
  }
  return { x, value }

  /** The plain slope, as the last resort when the remembered curvature leads nowhere. */
  function steepest(isFree: Float64Array): Float64Array {
    steps.length = 0
    return descent(slopes, isFree, steps)
  }

  /** Shortens a step until it descends enough (Armijo), guessing its length from a parabola. */
  function search(direction: Float64Array) {
    const down = inner(direction, slopes)
    if (down >= 0) return undefined
    let length = 1
    for (let tries = 0; tries < 20; tries++) {
      const to = x.map((at, i) => clip(at + length * direction[i]!, i))
      const slopesThere = new Float64Array(x.length)
      const there = fn(to, slopesThere)
      const expected = slopes.reduce((sum, slope, i) => sum + slope * (to[i]! - x[i]!), 0)
      if (there <= value + 1e-4 * expected) return { x: to, slopes: slopesThere, value: there }
      const parabola = (-0.5 * down * length * length) / (there - value - down * length)
      length = Number.isFinite(parabola) ? Math.min(0.5 * length, Math.max(0.1 * length, parabola)) : 0.1 * length
    }
    return undefined
  }
}

/** Minus the slopes, times the remembered inverse curvature, over the free coordinates (the two-loop recursion). */
function descent(slopes: Float64Array, isFree: Float64Array, steps: readonly Step[]): Float64Array {
  const direction = slopes.map((slope, i) => -slope * isFree[i]!)
  const usable = steps
    .map(({ moved, turned }) => {
      const [freeMoved, freeTurned] = [moved.map((m, i) => m * isFree[i]!), turned.map((t, i) => t * isFree[i]!)]
      return { moved: freeMoved, turned: freeTurned, curvature: inner(freeMoved, freeTurned) }
    })
    .filter(({ curvature, turned }) => curvature > 1e-10 * inner(turned, turned))
  const last = usable.at(-1)
  if (!last) return scaled(direction, 1 / Math.max(1, Math.sqrt(inner(direction, direction))))
  const parts = usable.toReversed().map((step) => {
    const part = inner(step.moved, direction) / step.curvature
    addTo(direction, step.turned, -part)
    return { ...step, part }
  })
  scaled(direction, last.curvature / inner(last.turned, last.turned))
  for (const { moved, turned, curvature, part } of parts.toReversed())
    addTo(direction, moved, part - inner(turned, direction) / curvature)
  return direction
}

function remember(steps: Step[], x: Float64Array, to: Float64Array, slopes: Float64Array, there: Float64Array): void {
  const step = { moved: to.map((at, i) => at - x[i]!), turned: there.map((slope, i) => slope - slopes[i]!) }
  if (inner(step.moved, step.turned) > 0) steps.push(step)
  if (steps.length > MEMORY) steps.shift()
}

function inner(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function addTo(into: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < into.length; i++) into[i]! += factor * from[i]!
}

function scaled(vector: Float64Array, factor: number): Float64Array {
  for (let i = 0; i < vector.length; i++) vector[i]! *= factor
  return vector
}
