import { normalCdf, normalDensity, millsRatio } from '../../normal.ts'

/** The logarithm of an expected improvement, and its slopes by the mean and the variance. */
export interface LogEi {
  readonly value: number
  readonly byMean: number
  readonly byVariance: number
}

/**
 * The logarithm of how far below `best` a normal number is expected to lie: it stays finite, and its slopes useful,
 * where the improvement itself underflows. (Ament et al. 2023, arXiv:2310.20708, eq. 8 and 9.)
 */
export function logEi(mean: number, variance: number, best: number): LogEi {
  const deviation = Math.sqrt(variance)
  const z = (best - mean) / deviation
  const { logH, cdfOverH, densityOverH } = improvement(z)
  return {
    value: logH + Math.log(deviation),
    byMean: -cdfOverH / deviation,
    byVariance: (0.5 * densityOverH) / variance,
  }
}

/** log h for h(z) = z * cdf(z) + density(z), the expected improvement of a standard normal number, and its slopes. */
function improvement(z: number) {
  if (z > -1) {
    const cdf = normalCdf(z)
    const density = normalDensity(z)
    const h = z * cdf + density
    return { logH: Math.log(h), cdfOverH: cdf / h, densityOverH: density / h }
  }
  const mills = millsRatio(z)
  const rest = 1 + z * mills
  // Both terms cancel far out: there, the asymptotic series of their sum.
  const y = 1 / (z * z)
  const hOverDensity = z < -100 ? y * (1 - y * (3 - y * (15 - 105 * y))) : rest
  return {
    logH: Math.log(hOverDensity) - 0.5 * z * z - 0.5 * Math.log(2 * Math.PI),
    cdfOverH: mills / hOverDensity,
    densityOverH: 1 / hOverDensity,
  }
}
