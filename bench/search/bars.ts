import { quantile } from '../../src/search/numeric/quantile.ts'
import { mannWhitney } from './mann_whitney.ts'
import type { Optuna } from './optuna.ts'

/** The regrets of one of our samplers on a function after some evaluations, a seed each. */
export interface Result {
  readonly fn: string
  readonly sampler: string
  readonly workers: number
  readonly evaluations: number
  readonly regrets: readonly number[]
}

/** What is asked of a sampler, and whether it holds. */
export interface Bar {
  readonly what: string
  readonly isMet: boolean
}

/** What stands for each of our samplers at Optuna's; `auto` is measured against the default of Optuna 5. */
const COUNTERPARTS: Readonly<Record<string, string>> = {
  auto: 'tpe_default',
  cmaes: 'cmaes',
  gp: 'gp',
  random: 'random',
  sobol: 'qmc',
  tpe: 'tpe_default',
}

/** The share of functions on which `auto` has to be as good as the best of Optuna's samplers. */
const AS_GOOD = 6 / 7
const SIGNIFICANT = 0.05
/** How many times the regret of one worker several may have. */
const MOST_LOST = 1.3
/** The samplers that something is asked of. */
const BARRED = ['auto', 'cmaes', 'gp', 'tpe']

/** Optuna's median beside ours, and the p of a difference; undefined where it was not measured. */
export function compare({ fn, sampler, workers, evaluations, regrets }: Result, optuna: Optuna) {
  const counterpart = COUNTERPARTS[sampler]
  const theirs = counterpart ? optuna.regrets(workers, fn, counterpart, evaluations) : []
  if (!counterpart || theirs.length === 0) return undefined
  return { counterpart, median: medianOf(theirs), p: mannWhitney(regrets, theirs) }
}

/** The best median among Optuna's samplers; undefined where none was measured. */
export function bestOf({ fn, workers, evaluations }: Result, optuna: Optuna) {
  const medians = optuna.samplers(workers, fn).map((sampler) => {
    return { sampler, median: medianOf(optuna.regrets(workers, fn, sampler, evaluations)) }
  })
  return medians.filter(({ median }) => !Number.isNaN(median)).toSorted((a, b) => a.median - b.median)[0]
}

/** The bars for what was measured. */
export function bars(results: readonly Result[], optuna: Optuna): readonly Bar[] {
  const alone = results.filter(({ workers, evaluations }) => workers === 1 && evaluations >= 100)
  const held = BARRED.flatMap((sampler) =>
    [...new Set(alone.map(({ evaluations }) => evaluations))].flatMap((count) =>
      barsAt(
        alone.filter((result) => result.sampler === sampler && result.evaluations === count),
        optuna,
      ),
    ),
  )
  return [...held, ...results.flatMap((result) => sidewaysBar(result, results))]
}

/** With several workers, `auto` loses little of what it reaches with one. */
function sidewaysBar(
  { fn, sampler, workers, evaluations, regrets }: Result,
  results: readonly Result[],
): readonly Bar[] {
  const alone = results.find(
    (other) => other.workers === 1 && other.fn === fn && other.sampler === sampler && other.evaluations === evaluations,
  )
  if (sampler !== 'auto' || evaluations !== 100 || workers === 1 || !alone) return []
  const ratio = medianOf(regrets) / medianOf(alone.regrets)
  const what = `auto at 100 on ${fn}: ${workers} workers reach ${ratio.toFixed(2)} times the regret of one, at most ${MOST_LOST}`
  return [{ what, isMet: ratio <= MOST_LOST }]
}

function barsAt(results: readonly Result[], optuna: Optuna): readonly Bar[] {
  const pairs = results.map((result) => ({ result, theirs: compare(result, optuna) })).filter(({ theirs }) => theirs)
  const [first] = results
  if (!first || pairs.length === 0) return []
  const { sampler, evaluations } = first
  const at = `${sampler} at ${evaluations}`
  const differs = pairs.filter(({ theirs }) => theirs!.p < SIGNIFICANT)
  const isBetter = ({ result, theirs }: (typeof pairs)[number]) => medianOf(result.regrets) < theirs!.median
  const worse = differs.filter((pair) => !isBetter(pair)).map(({ result }) => result.fn)
  const better = differs.filter(isBetter).map(({ result }) => result.fn)
  const counterpart = `Optuna's ${COUNTERPARTS[sampler]}`
  const never = {
    what: `${at}: not significantly worse than ${counterpart} (${list(worse)})`,
    isMet: worse.length === 0,
  }
  if (sampler !== 'auto') {
    const wanted = Math.min(2, pairs.length)
    return [
      never,
      {
        what: `${at}: significantly better than ${counterpart} on two (${list(better)})`,
        isMet: better.length >= wanted,
      },
    ]
  }
  const asGood = results.filter((result) => medianOf(result.regrets) <= (bestOf(result, optuna)?.median ?? Infinity))
  const what = `${at}: at most the regret of Optuna's best sampler on 6 of 7 (${asGood.length} of ${results.length})`
  return [never, { what, isMet: asGood.length >= Math.floor(AS_GOOD * results.length) }]
}

function list(names: readonly string[]): string {
  return names.join(', ') || 'none'
}

function medianOf(values: readonly number[]): number {
  return quantile(values, 0.5) ?? Number.NaN
}
