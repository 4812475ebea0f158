import type { Rng } from '../rng.ts'
import type { Dim, Point } from '../space.ts'
import { levelAt } from '../space.ts'
import { BASELINE, isPlaced, lossOf, type History, type Trial } from '../trial.ts'
import type { Sampler } from './sampler.ts'

/** What a study says about one dimension: the corrected p of "it made no difference", and whether that is refuted. */
export interface Effect {
  readonly name: string
  readonly p: number
  readonly isShown: boolean
}

/**
 * Which dimensions some trials showed to matter, and which they did not. The trials must have been chosen without
 * regard to results (`spreadTrials`): what a sampler sought out is correlated by its seeking. Step down as Holm does:
 * the dimension that explains most of what is left, by a line and a bend over it (a categorical one by its levels), is
 * tested by permuting those residuals (Freedman and Lane 1983) and, once shown, taken out of the rest. Conditional
 * dimensions are left out. Empty when there are too few trials to say anything.
 */
export function shownEffects(
  history: History,
  trials: readonly Trial[],
  rng: Rng,
  permutations = 2000,
): readonly Effect[] {
  const judged = trials.filter((trial) => trial.reports.length > 0 && isPlaced(history, trial))
  let open = history.dims.flatMap((dim, index) => {
    if (dim.when || dim.levels === 1) return []
    return [
      {
        name: dim.name,
        columns: columnsOf(
          dim,
          judged.map(({ point }) => point[index]!),
        ),
      },
    ]
  })
  if (judged.length < 8) return []
  const quality = qualities(history, judged)
  const effects: Effect[] = []
  let explained: Columns = [ones(judged.length)]
  let floor = 0
  while (open.length > 0) {
    const tested = open
      .map(({ name, columns }) => ({ name, columns, p: pOf(quality, explained, columns, rng, permutations) }))
      .toSorted((a, b) => a.p - b.p)
    const corrected = (p: number) => Math.max(floor, Math.min(1, p * open.length))
    const [next] = tested
    if (!next || corrected(next.p) >= 0.05) {
      // What explains most of the rest is not shown to matter: then nothing else is.
      return [...effects, ...tested.map(({ name, p }) => ({ name, p: corrected(p), isShown: false }))]
    }
    floor = corrected(next.p)
    effects.push({ name: next.name, p: floor, isShown: true })
    explained = [...explained, ...next.columns]
    open = open.filter(({ name }) => name !== next.name)
  }
  return effects
}

/**
 * The trials that were chosen without regard to results: the baseline, and those at the place that an even spread gives
 * their number. `canonical` moves a suggested point to where its values lie.
 */
export function spreadTrials(
  history: History,
  spread: Sampler,
  rngOf: (number: number) => Rng,
  canonical: (point: Point) => Point,
): readonly Trial[] {
  return history.trials.filter((trial) => {
    if (trial.number === BASELINE) return true
    const before = { ...history, trials: history.trials.filter(({ number }) => number < trial.number) }
    const point = spread.suggest(before, rngOf(trial.number))?.point
    return point !== undefined && canonical(point).every((x, i) => isSame(x, trial.point[i]!))
  })
}

/** A coordinate that is switched off is NaN in both. */
function isSame(a: number, b: number): boolean {
  return Number.isNaN(a) ? Number.isNaN(b) : Math.abs(a - b) < 1e-9
}

/**
 * How often residuals in a random order are explained as well by the columns as they are in their own. The size of the
 * residuals is the same in every order, so lengths along the columns are all that has to be computed.
 */
function pOf(y: readonly number[], explained: Columns, columns: Columns, rng: Rng, permutations: number): number {
  const reduced = basis(explained)
  const added = basis([...explained, ...columns]).slice(reduced.length)
  const residuals = Float64Array.from(residual(y, reduced))
  const size = squares([...residuals])
  const gain = () => {
    const more = lengthAlong(residuals, added)
    return more / Math.max(size - lengthAlong(residuals, reduced) - more, Number.EPSILON)
  }
  const observed = gain()
  let asLarge = 1
  for (let i = 0; i < permutations; i++) {
    shuffle(residuals, rng)
    if (gain() >= observed) asLarge++
  }
  return asLarge / (permutations + 1)
}

/** The squared length of a vector's part in the space of orthonormal directions. */
function lengthAlong(y: Float64Array, orthonormal: Columns): number {
  let sum = 0
  for (const direction of orthonormal) {
    let along = 0
    for (let i = 0; i < y.length; i++) along += y[i]! * direction[i]!
    sum += along * along
  }
  return sum
}

function shuffle(y: Float64Array, rng: Rng): void {
  for (let i = y.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    const held = y[i]!
    y[i] = y[j]!
    y[j] = held
  }
}

type Columns = readonly (readonly number[])[]

/**
 * How good each trial was, in ranks from 0, the worst, to 1: its part in "report = trial + step", fitted to all reports
 * by least squares, so that a trial that was stopped early is compared at the steps that it reached.
 */
function qualities({ goals }: History, trials: readonly Trial[]): readonly number[] {
  const losses = trials.map(({ reports }) => reports.map(({ metrics }) => lossOf(goals[0]!, metrics)))
  const longest = Math.max(...losses.map((curve) => curve.length))
  let ofSteps: readonly number[] = Array.from({ length: longest }, () => 0)
  let ofTrials: readonly number[] = []
  // Alternating means converge to the least squares fit; the ranks settle long before.
  for (let round = 0; round < 50; round++) {
    ofTrials = losses.map((curve) => mean(curve.map((loss, step) => loss - ofSteps[step]!)))
    ofSteps = ofSteps.map((_, step) =>
      mean(losses.flatMap((curve, t) => (step < curve.length ? [curve[step]! - ofTrials[t]!] : []))),
    )
  }
  const order = ofTrials.toSorted((a, b) => b - a)
  return ofTrials.map((loss) => order.indexOf(loss) / (trials.length - 1))
}

function columnsOf(dim: Dim, xs: readonly number[]): Columns {
  if (dim.ordered) return [xs, xs.map((x) => (x - 0.5) ** 2)]
  const levels = [...new Set(xs.map((x) => levelAt(x, dim.levels)))].slice(1)
  return levels.map((level) => xs.map((x) => (levelAt(x, dim.levels) === level ? 1 : 0)))
}

/** An orthonormal basis of the columns, by modified Gram-Schmidt; dependent columns add nothing. */
function basis(columns: Columns): Columns {
  const found: number[][] = []
  for (const column of columns) {
    const rest = residual(column, found)
    const size = Math.sqrt(squares(rest))
    if (size > 1e-9 * Math.max(1, Math.sqrt(squares(column)))) found.push(rest.map((x) => x / size))
  }
  return found
}

function residual(y: readonly number[], orthonormal: Columns): number[] {
  let rest = [...y]
  for (const direction of orthonormal) {
    const along = rest.reduce((sum, x, i) => sum + x * direction[i]!, 0)
    rest = rest.map((x, i) => x - along * direction[i]!)
  }
  return rest
}

const ones = (length: number) => Array.from({ length }, () => 1)
const squares = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x * x, 0)
const mean = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x, 0) / xs.length
