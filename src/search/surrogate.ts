import { fitKernel, levelOf, type Fit, type Kernel } from './numeric/gp_fit.ts'
import { growFactor, meansAtSeen, posteriorOf, type Posterior } from './numeric/gp_posterior.ts'
import type { InverseFactor } from './numeric/inverse_factor.ts'
import { isStartOf, startOf, type Columns } from './numeric/matern.ts'
import { bentWarp, logWarp, straightWarp, warped, type Warp } from './numeric/warp.ts'

/** A model of losses: how they are warped, and what is believed of the warped ones. */
export interface Surrogate {
  readonly warp: Warp
  readonly posterior: Posterior
  /** The posterior means at what was tried: of noisy losses, these say more than the losses. */
  readonly means: Float64Array
}

/** What was tried, and the losses of the first so many of it, by what those alone say. */
interface Data {
  readonly columns: Columns
  losses(count: number): Float64Array
}

interface Fitted extends Fit {
  readonly warp: Warp
  /** How that was made. */
  readonly way: Way
}

type Way = (losses: Float64Array) => Warp

/** Makes a model of data whose kernel is fitted to so many of the first points. */
export type SurrogateOf = (data: Data, fitted: number) => Surrogate

/** A model is fitted anew when there is this part more to learn from. */
const REFIT = 0.05
/** Fits of fewer points start from nothing. */
const FEW = 24
/** Of fits of more points, only one way to warp is tried. */
const MANY = 100
const WAYS: readonly Way[] = [straightWarp, bentWarp, logWarp]
/** How many fits and factorisations are remembered. */
const MEMORY = 16

/**
 * Makes models of data. What it makes follows from the data alone: its memory, of what was fitted and factorised
 * before, only saves the work. The kernel is fitted to the `fitted` first points, and the factorisation grows by a row a
 * point after them.
 */
export function surrogates(): SurrogateOf {
  const fits: { readonly columns: Columns; readonly losses: Float64Array; readonly fitted: Fitted }[] = []
  const factors: { readonly kernel: Kernel; readonly columns: Columns; readonly factor: InverseFactor }[] = []

  return (data, fitted) => {
    const { kernel, ...fit } = fitTo(data, fitted)
    const losses = data.losses(data.columns.count)
    const factor = factorised(kernel, data.columns)
    const level = levelOf(
      factor,
      losses.map((loss) => warped(fit.warp, loss)),
    )
    const warp = { ...fit.warp, bentMiddle: fit.warp.bentMiddle + level * fit.warp.bentSpread }
    const values = losses.map((loss) => warped(warp, loss))
    const posterior = posteriorOf(kernel, data.columns, factor, values)
    return { warp, posterior, means: meansAtSeen(posterior, values) }
  }

  /** The fit to the first points. It starts from the fit to half of them: any fit is a few fits away from none. */
  function fitTo(data: Data, count: number): Fitted {
    const [columns, losses] = [startOf(data.columns, count), data.losses(count)]
    const known = fits.find((fit) => isSame(fit.losses, losses) && isStartOf(fit.columns, columns))
    if (known) return known.fitted
    const half = count < FEW ? undefined : fitTo(data, lastRefit(count >> 1))
    const fresh = fitWarped(columns, losses, half)
    keep(fits, { columns, losses, fitted: fresh })
    return fresh
  }

  function factorised(kernel: Kernel, columns: Columns): InverseFactor {
    const known = factors.filter((older) => older.kernel === kernel && isStartOf(older.columns, columns))
    const { factor } = growFactor(kernel, columns, known.at(-1)?.factor, kernel.noise)
    if (factor.size !== known.at(-1)?.factor.size) keep(factors, { kernel, columns, factor })
    return factor
  }
}

/** Losses warped in the way that they are most probable for. With many, that was settled by half of them. */
function fitWarped(columns: Columns, losses: Float64Array, half: Fitted | undefined): Fitted {
  const ways = half && losses.length > MANY ? [half.way] : WAYS
  const fits = ways.map((way) => {
    const warp = way(losses)
    const values = losses.map((loss) => warped(warp, loss))
    const fit = fitKernel(columns, values, half?.kernel)
    return { ...fit, warp, way, logPosterior: fit.logPosterior + warp.logJacobian }
  })
  return fits.reduce((a, b) => (b.logPosterior > a.logPosterior ? b : a))
}

/** The last count up to this one at which a model is fitted. */
export function lastRefit(count: number): number {
  let last = 1
  for (let next = 1; next <= count; next += Math.max(1, Math.floor(REFIT * next))) last = next
  return last
}

function keep<T>(memory: T[], item: T): void {
  memory.push(item)
  if (memory.length > MEMORY) memory.shift()
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i])
}
