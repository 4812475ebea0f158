import type { Posterior } from './gp_posterior.ts'
import { rowStart, unwhiten } from './inverse_factor.ts'

/**
 * The share of the variance of what a Gaussian process has seen that it predicts, each value from all the others: 1 for
 * a perfect model, 0 for one that knows no more than the mean, below 0 for one that misleads. Without a fit for each:
 * eq. 5.12 of Rasmussen & Williams 2006. Undefined where all values are alike.
 */
export function leaveOneOut(
  { factor: { size, cells }, whitened }: Posterior,
  values: Float64Array,
): number | undefined {
  const alpha = new Float64Array(size)
  unwhiten(cells, size, whitened, alpha)
  const diagonal = new Float64Array(size)
  for (let m = 0; m < size; m++) for (let i = 0; i <= m; i++) diagonal[i]! += cells[rowStart(m) + i]! ** 2
  const mean = values.reduce((sum, value) => sum + value, 0) / size
  let [wrong, spread] = [0, 0]
  for (let i = 0; i < size; i++) {
    wrong += (alpha[i]! / diagonal[i]!) ** 2
    // What the mean of the others is wrong by.
    spread += ((values[i]! - mean) * (size / (size - 1))) ** 2
  }
  return spread > 0 ? 1 - wrong / spread : undefined
}
