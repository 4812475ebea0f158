import { quantile } from './quantile.ts'

/** A rising map of losses to numbers of mean 0 and variance 1 for those that it was made for. */
export interface Warp {
  /** Losses above this count as this: how bad a bad one is says little about where the good ones are. */
  readonly cap: number
  readonly middle: number
  readonly spread: number
  /** Yeo and Johnson's power; 1 bends nothing. */
  readonly power: number
  readonly bentMiddle: number
  readonly bentSpread: number
  /** How much the map enlarges the neighbourhoods of the losses that it was made for: the sum of log slopes. */
  readonly logJacobian: number
}

/** How many times as far as the best quarter of losses reaches counts as near. */
const NEARNESSES = [1, 3, 10, 30]

/** A straight warp: less the mean, over the standard deviation, the bad tail cut off. */
export function straightWarp(losses: Float64Array): Warp {
  const cap = capOf(losses)
  const { mean, deviation } = moments(losses.map((loss) => Math.min(cap, loss)))
  const spread = deviation || 1
  const logJacobian = -losses.length * Math.log(spread)
  return { cap, middle: mean, spread, power: 1, bentMiddle: 0, bentSpread: 1, logJacobian }
}

/** The warp that also bends losses by the power that makes them most like normal numbers (Yeo & Johnson 2000). */
export function bentWarp(losses: Float64Array): Warp {
  const straight = straightWarp(losses)
  const standard = losses.map((loss) => warped(straight, loss))
  const power = mostNormal(standard)
  const { mean, deviation } = moments(standard.map((x) => yeoJohnson(x, power)))
  const logJacobian = straight.logJacobian + logSlopes(standard, power) - losses.length * Math.log(deviation || 1)
  return { ...straight, power, bentMiddle: mean, bentSpread: deviation || 1, logJacobian }
}

/**
 * The warp that takes losses by how many times further they lie above the lowest than a near one does: their logarithm,
 * where those span orders of magnitude. What is near, and so looked at closely, is the best quarter or some times as much,
 * whichever makes the losses most like normal numbers.
 */
export function logWarp(losses: Float64Array): Warp {
  const lowest = Math.min(...losses)
  const reach = quantile([...losses], 0.25)! - lowest
  if (!(reach > 0)) return straightWarp(losses)
  const warps = NEARNESSES.map((times) => logWarpFrom(losses, lowest, times * reach))
  return warps.reduce((a, b) => (b.logJacobian > a.logJacobian ? b : a))
}

function logWarpFrom(losses: Float64Array, middle: number, spread: number): Warp {
  const logs = losses.map((loss) => Math.log1p((loss - middle) / spread))
  const highest = capOf(logs)
  const cut = logs.map((log) => Math.min(highest, log))
  const { mean, deviation } = moments(cut)
  const cap = middle + spread * Math.expm1(highest)
  const logJacobian = -cut.reduce((sum, log) => sum + log, 0) - losses.length * Math.log(spread * (deviation || 1))
  return { cap, middle, spread, power: 0, bentMiddle: mean, bentSpread: deviation || 1, logJacobian }
}

export function warped({ cap, middle, spread, power, bentMiddle, bentSpread }: Warp, loss: number): number {
  return (yeoJohnson((Math.min(cap, loss) - middle) / spread, power) - bentMiddle) / bentSpread
}

/** Yeo and Johnson's transform of a number. */
export function yeoJohnson(x: number, power: number): number {
  return x >= 0 ? boxCox(1 + x, power) : -boxCox(1 - x, 2 - power)
}

function boxCox(x: number, power: number): number {
  return Math.abs(power) < 1e-9 ? Math.log(x) : Math.expm1(power * Math.log(x)) / power
}

/** The sum of the logarithms of the transform's slopes. */
function logSlopes(xs: Float64Array, power: number): number {
  return (power - 1) * xs.reduce((sum, x) => sum + Math.sign(x) * Math.log1p(Math.abs(x)), 0)
}

/** The power of [-2, 2] whose results have the highest likelihood as normal numbers, by golden section. */
function mostNormal(xs: Float64Array): number {
  const height = (power: number) => {
    const { deviation } = moments(xs.map((x) => yeoJohnson(x, power)))
    return logSlopes(xs, power) - xs.length * Math.log(deviation)
  }
  const golden = (Math.sqrt(5) - 1) / 2
  let [low, high] = [-2, 2]
  while (high - low > 1e-3) {
    const [a, b] = [high - golden * (high - low), low + golden * (high - low)]
    if (height(a) > height(b)) high = b
    else low = a
  }
  return (low + high) / 2
}

/** The losses' third quartile and three times the distance between the quartiles. */
function capOf(losses: Float64Array): number {
  const [first = 0, third = 0] = [0.25, 0.75].map((fraction) => quantile([...losses], fraction))
  return third > first ? third + 3 * (third - first) : Infinity
}

function moments(xs: Float64Array) {
  const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length
  const deviation = Math.sqrt(xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / xs.length)
  return { mean, deviation }
}
