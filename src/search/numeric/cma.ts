import { choleskyOf, solveLower, timesLower } from './lower.ts'

/**
 * A normal distribution N(mean, sigma^2 A C A) that moves to where samples are good: the covariance matrix adaptation
 * of Hansen 2016 (arXiv:1604.00772), named as there. It is never changed, only followed by the next one.
 */
export interface Cma {
  readonly mean: Float64Array
  readonly sigma: number
  /** The lower Cholesky factor of C, by rows: it stands for the square root of C, as in Krause et al. 2016. */
  readonly factor: Float64Array
  readonly C: Float64Array
  /** The diagonal of A, by which integers keep some spread: section 4 of Hamano et al. 2022. 1 elsewhere. */
  readonly A: Float64Array
  readonly pSigma: Float64Array
  readonly pC: Float64Array
  readonly generation: number
}

/** What follows from the number of dimensions and the population, the samples of one generation. */
export interface CmaSettings {
  readonly weights: Float64Array
  readonly mu: number
  readonly muEff: number
  readonly cSigma: number
  readonly dSigma: number
  readonly cC: number
  readonly c1: number
  readonly cMu: number
  /** The expected length of a standard normal vector. */
  readonly chi: number
}

/** The population by default; eq. 48. */
export function populationFor(dims: number): number {
  return 4 + Math.floor(3 * Math.log(Math.max(1, dims)))
}

/** The settings of table 1, with negative weights. */
export function settingsFor(n: number, population: number): CmaSettings {
  const raw = Float64Array.from({ length: population }, (_, i) => Math.log((population + 1) / 2) - Math.log(i + 1))
  const mu = Math.floor(population / 2)
  const muEff = effective(raw.subarray(0, mu))
  const muEffMinus = effective(raw.subarray(mu))
  const c1 = 2 / ((n + 1.3) ** 2 + muEff)
  const cMu = Math.min(1 - c1, (2 * (muEff - 2 + 1 / muEff)) / ((n + 2) ** 2 + muEff))
  // eqs. 50 to 53: how much the bad samples may take away, C staying positive.
  const least = Math.min(1 + c1 / cMu, 1 + (2 * muEffMinus) / (muEff + 2), (1 - c1 - cMu) / (n * cMu))
  const positive = sum(raw.filter((weight) => weight > 0))
  const negative = -sum(raw.filter((weight) => weight < 0))
  const cSigma = (muEff + 2) / (n + muEff + 5)
  return {
    weights: raw.map((weight) => (weight >= 0 ? weight / positive : (least * weight) / negative)),
    mu,
    muEff,
    cSigma,
    dSigma: 1 + 2 * Math.max(0, Math.sqrt((muEff - 1) / (n + 1)) - 1) + cSigma,
    cC: (4 + muEff / n) / (n + 4 + (2 * muEff) / n),
    c1,
    cMu,
    chi: Math.sqrt(n) * (1 - 1 / (4 * n) + 1 / (21 * n * n)),
  }
}

/** The distribution of a first generation. */
export function startCma(mean: Float64Array, sigma: number, C = identity(mean.length)): Cma {
  const zeros = new Float64Array(mean.length)
  const factor = choleskyOf(C, mean.length)
  if (!factor) throw new Error('a covariance matrix is positive definite')
  return { mean, sigma, factor, C, A: zeros.map(() => 1), pSigma: zeros, pC: zeros, generation: 0 }
}

/**
 * The distribution of a first generation that goes on from good samples of an earlier search: a normal distribution of
 * deviation `reach` around each of them, taken together. Nomura et al. 2021 (arXiv:2012.06932), with their 0.1 of the
 * range.
 */
export function warmCma(good: readonly Float64Array[], reach = 0.1): Cma {
  const n = good[0]?.length ?? 0
  const mean = new Float64Array(n)
  for (const sample of good) for (let i = 0; i < n; i++) mean[i]! += sample[i]! / good.length
  const covariance = identity(n).map((value) => value * reach ** 2)
  for (const sample of good) {
    const step = sample.map((x, i) => x - mean[i]!)
    addOuter(covariance, step, 1 / good.length)
  }
  // sigma is the geometric mean of the deviations, so that C has a determinant of 1.
  const factor = choleskyOf(covariance, n)!
  let logs = 0
  for (let i = 0; i < n; i++) logs += Math.log(factor[i * n + i]!)
  const sigma = Math.exp(logs / Math.max(1, n))
  return startCma(
    mean,
    sigma,
    covariance.map((value) => value / sigma ** 2),
  )
}

function identity(n: number): Float64Array {
  const matrix = new Float64Array(n * n)
  for (let i = 0; i < n; i++) matrix[i * n + i] = 1
  return matrix
}

/**
 * How far samples lie from the mean, squared, in units of the distribution and on the average over samples and
 * dimensions: about 1 for samples of its own.
 */
export function strangeness(cma: Cma, samples: readonly Float64Array[]): number {
  const n = cma.mean.length
  const total = samples.reduce((sum, sample) => sum + length(whitened(cma, sample).z) ** 2, 0)
  return total / Math.max(1, n * samples.length)
}

/** The sample that a vector of independent standard normal numbers gives. */
export function sampleCma({ mean, sigma, factor, A }: Cma, z: Float64Array): Float64Array {
  return timesLower(factor, z).map((step, i) => mean[i]! + sigma * A[i]! * step)
}

/** The standard deviation along each dimension. */
export function deviations({ sigma, A, C }: Cma): Float64Array {
  return A.map((stretch, i) => sigma * stretch * Math.sqrt(C[i * A.length + i]!))
}

/**
 * The distribution after a generation of samples, the best first. A sample need not come from the distribution: one that
 * lies too far out is taken for a nearer one in its direction (Hansen 2011, "Injecting external solutions into
 * CMA-ES"). Undefined where C is no longer positive definite.
 */
export function nextCma(cma: Cma, samples: readonly Float64Array[], settings: CmaSettings): Cma | undefined {
  const { weights, mu, muEff, cSigma, dSigma, cC, c1, cMu, chi } = settings
  const n = cma.mean.length
  const steps = samples.map((sample) => stepTo(cma, sample))
  // eqs. 41 and 42: the mean moves to the better half.
  const yw = combine(steps, ({ y }) => y, weights, mu, n)
  const mean = cma.mean.map((m, i) => m + cma.sigma * cma.A[i]! * yw[i]!)

  // eqs. 43 and 44: steps that go on in one direction lengthen, others shorten.
  const zw = combine(steps, ({ z }) => z, weights, mu, n)
  const faded = Math.sqrt(cSigma * (2 - cSigma) * muEff)
  const pSigma = cma.pSigma.map((p, i) => (1 - cSigma) * p + faded * zw[i]!)
  const far = length(pSigma)
  const sigma = cma.sigma * Math.exp(Math.min(1, (cSigma / dSigma) * (far / chi - 1)))

  // eqs. 45 to 47. The path of C stands still while sigma grows fast.
  const isCalm = far / Math.sqrt(1 - (1 - cSigma) ** (2 * (cma.generation + 2))) < (1.4 + 2 / (n + 1)) * chi
  const moved = isCalm ? Math.sqrt(cC * (2 - cC) * muEff) : 0
  const pC = cma.pC.map((p, i) => (1 - cC) * p + moved * yw[i]!)
  const kept = 1 - c1 - cMu * sum(weights) + (isCalm ? 0 : c1 * cC * (2 - cC))
  const C = cma.C.map((value) => kept * value)
  addOuter(C, pC, c1)
  for (const [i, { y, z }] of steps.entries()) {
    const weight = weights[i]!
    addOuter(C, y, cMu * (weight >= 0 ? weight : (weight * n) / (length(z) ** 2 + 1e-8)))
  }
  const factor = choleskyOf(C, n)
  return factor && { mean, sigma, factor, C, A: cma.A, pSigma, pC, generation: cma.generation + 1 }
}

interface Step {
  /** In units of sigma A. */
  readonly y: Float64Array
  /** The same with the covariance taken out. */
  readonly z: Float64Array
}

function whitened({ mean, sigma, factor, A }: Cma, sample: Float64Array): Step {
  const y = sample.map((x, i) => (x - mean[i]!) / (sigma * A[i]!))
  return { y, z: solveLower(factor, y) }
}

function stepTo(cma: Cma, sample: Float64Array): Step {
  const n = sample.length
  const { y, z } = whitened(cma, sample)
  const furthest = Math.sqrt(n) + (2 * n) / (n + 2)
  const scale = Math.min(1, furthest / length(z))
  return scale < 1 ? { y: y.map((step) => scale * step), z: z.map((step) => scale * step) } : { y, z }
}

function combine(
  steps: readonly Step[],
  vector: (step: Step) => Float64Array,
  weights: Float64Array,
  count: number,
  n: number,
): Float64Array {
  const total = new Float64Array(n)
  for (let k = 0; k < count; k++) {
    const step = vector(steps[k]!)
    for (let i = 0; i < n; i++) total[i]! += weights[k]! * step[i]!
  }
  return total
}

function addOuter(C: Float64Array, v: Float64Array, weight: number): void {
  const n = v.length
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) C[i * n + j]! += weight * v[i]! * v[j]!
}

/** How many samples of one weight a weighted mean is worth. */
function effective(weights: Float64Array): number {
  return sum(weights) ** 2 / weights.reduce((total, weight) => total + weight * weight, 0)
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

function length(vector: Float64Array): number {
  return Math.sqrt(vector.reduce((total, x) => total + x * x, 0))
}
