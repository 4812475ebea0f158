import { studentCdf } from '../../student.ts'

/** What is known of the end of a learning curve. */
export interface CurveEnd {
  /** The value that is expected there. */
  readonly mean: number
  /** The probability that the value there is below another. */
  below(value: number): number
}

/*
 * Prior, in units of the standard deviation of what was seen: any level and any change (100 deviations of the noise),
 * noise of about a tenth. Flat enough to let the points speak, and proper, so that shapes can be compared by evidence.
 */
const FLATNESS = 1e4
const NOISE_SHAPE = 1
const NOISE_RATE = 0.01

/**
 * Extrapolates a learning curve to a step, in the way of Domhan, Springenberg and Hutter (2015, "Speeding up automatic
 * hyperparameter optimization of deep neural networks by extrapolation of learning curves"): a weighted family of curves
 * c + a * shape(t) that fall by power laws, exponentials and powers of the logistic in log t. Where they run a Markov chain,
 * the shapes here are a grid, so that for each of them level, change and noise have their posterior in closed form, and
 * the evidence is its weight.
 */
export function extrapolate(steps: readonly number[], values: readonly number[], end: number): CurveEnd {
  const centre = values.reduce((sum, value) => sum + value, 0) / values.length
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / values.length)
  // A flat curve has no scale of its own: then only its size says what is small.
  const scale = Math.max(spread, 1e-9 * Math.abs(centre), Number.MIN_VALUE)
  const standard = values.map((value) => (value - centre) / scale)
  const fits = shapesUntil(end).map(({ shape, prior }) => fitted(steps, standard, changeLeft(shape, end), prior))
  const most = Math.max(...fits.map(({ evidence }) => evidence))
  const weights = fits.map(({ evidence }) => Math.exp(evidence - most))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const averaged = (of: (fit: Fit) => number) => fits.reduce((sum, fit, i) => sum + (weights[i]! / total) * of(fit), 0)
  return {
    mean: centre + scale * averaged(({ level }) => level),
    below: (value) => {
      const bound = (value - centre) / scale
      return averaged(({ level, error, degrees }) => studentCdf((bound - level) / error, degrees))
    },
  }
}

type Shape = (step: number) => number

/** The grid of shapes; the three families have the same weight before a point is seen. */
function shapesUntil(end: number): readonly { readonly shape: Shape; readonly prior: number }[] {
  const powers = ratios(0.05, 4, 12).map(
    (power): Shape =>
      (t) =>
        t ** -power,
  )
  const rates = ratios(0.02, 8, 20).map(
    (part): Shape =>
      (t) =>
        Math.exp(-t / (part * end)),
  )
  const logistics = ratios(0.05, 1, 7).flatMap((part) =>
    [0.5, 1, 2, 4].map(
      (power): Shape =>
        (t) =>
          1 / (1 + (t / (part * end)) ** power),
    ),
  )
  return [powers, rates, logistics].flatMap((family) => family.map((shape) => ({ shape, prior: 1 / family.length })))
}

/** Some numbers from low to high, each as many times the one before. */
function ratios(low: number, high: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => low * (high / low) ** (i / (count - 1)))
}

/** The share of a shape's change from step 1 that is still to come: 1 there, and 0 at the end. */
function changeLeft(shape: Shape, end: number): Shape {
  const [first, last] = [shape(1), shape(end)]
  return (t) => (shape(t) - last) / (first - last)
}

/** What one shape says of the end: a level there with Student's t about it. */
interface Fit {
  readonly level: number
  readonly error: number
  readonly degrees: number
  /** Logarithmic, but for what all shapes share. */
  readonly evidence: number
}

/** Bayesian regression on the level at the end and the change until there, with a normal-inverse-gamma prior. */
function fitted(steps: readonly number[], values: readonly number[], left: Shape, prior: number): Fit {
  let [n, x, xx, y, xy, yy] = [1 / FLATNESS, 0, 1 / FLATNESS, 0, 0, 0]
  for (const [i, step] of steps.entries()) {
    const [at, value] = [left(step), values[i]!]
    n += 1
    x += at
    xx += at * at
    y += value
    xy += at * value
    yy += value * value
  }
  const determinant = n * xx - x * x
  const level = (xx * y - x * xy) / determinant
  const change = (n * xy - x * y) / determinant
  const shape = NOISE_SHAPE + steps.length / 2
  const rate = NOISE_RATE + Math.max(0, yy - level * y - change * xy) / 2
  return {
    level,
    error: Math.sqrt((rate / shape) * (1 + xx / determinant)),
    degrees: 2 * NOISE_SHAPE + steps.length,
    evidence: Math.log(prior) - 0.5 * Math.log(determinant) - shape * Math.log(rate),
  }
}
