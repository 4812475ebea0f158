import { levelAt } from '../../space.ts'
import { deviations, type Cma } from './cma.ts'
import { normalCdf, normalQuantile } from '../../normal.ts'

/**
 * The distribution with as much spread along each dimension of levels that another level than the mean's stays
 * probable: at least `margin` for the levels beside it. Without, all samples of an integer soon fall into one level, and
 * what it would be worth to change it is never seen again. Hamano et al. 2022 (arXiv:2205.13482), section 4.2.
 */
export function withMargin(cma: Cma, levels: readonly number[], margin: number): Cma {
  const spread = deviations(cma)
  const mean = cma.mean.slice()
  const A = cma.A.slice()
  for (const [i, count] of levels.entries()) {
    if (!Number.isFinite(count)) continue
    const level = levelAt(mean[i]!, count)
    if (level === 0 || level === count - 1)
      mean[i] = atEnd(mean[i]!, spread[i]!, level === 0 ? 1 / count : 1 - 1 / count, margin)
    else {
      const corrected = between(mean[i]!, spread[i]!, level / count, (level + 1) / count, margin)
      mean[i] = corrected.mean
      A[i]! *= corrected.spread / spread[i]!
    }
  }
  return { ...cma, mean, A }
}

/** The mean in the first or last level, near enough to the bound of the next one. Eqs. 9 and 10. */
function atEnd(mean: number, spread: number, bound: number, margin: number): number {
  const furthest = -normalQuantile(margin) * spread
  const far = mean - bound
  return bound + Math.sign(far) * Math.min(Math.abs(far), furthest)
}

/** Mean and spread that give each side of a level half the margin at least. Eqs. 11 to 15. */
function between(mean: number, spread: number, low: number, high: number, margin: number) {
  const sides = [normalCdf((low - mean) / spread), normalCdf((mean - high) / spread)] as const
  if (sides.every((side) => side >= margin / 2)) return { mean, spread }
  const middle = 1 - sides[0] - sides[1]
  const raised = sides.map((side) => Math.max(side, margin / 2))
  const excess = raised[0]! + raised[1]! + middle - 1
  const room = raised[0]! + raised[1]! + middle - 1.5 * margin
  // What the raised side gained is taken from where there is more than the margin.
  const [below, above] = raised.map((side) => -normalQuantile(side - (excess * (side - margin / 2)) / room))
  return {
    mean: (low * above! + high * below!) / (below! + above!),
    spread: (high - low) / (below! + above!),
  }
}
