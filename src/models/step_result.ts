import { floats, type Results } from './engines/session.ts'
import { TERMS, type TermName } from './losses/terms.ts'
import type { Hyper } from './step_values.ts'

/** The losses of a step's batches before the step, and the norm of their gradient before clipping. */
export interface StepResult {
  /** Each loss that has a weight, before it is weighted. */
  readonly losses: Readonly<Partial<Record<TermName, number>>>
  /** What each was weighted with: as asked for, or as learned. */
  readonly weights: Readonly<Partial<Record<TermName, number>>>
  /** The losses' weighted sum, which the step lowers. */
  readonly total: number
  readonly gradNorm: number
}

/** What a run of a step's graph found. Throws a `DivergedError` when a loss or the gradient is not finite. */
export function stepResult(results: Results, hyper: Hyper): StepResult {
  const gradNorm = 'gradNorm' in results ? scalarOf(results, 'gradNorm') : 0
  return { ...termsOf(results, hyper), total: scalarOf(results, 'total'), gradNorm }
}

/** The losses that were built, and what each was weighted with. */
export function termsOf(results: Results, { weights }: Pick<Hyper, 'weights'>): Pick<StepResult, 'losses' | 'weights'> {
  const terms = TERMS.filter((name) => `${name}Loss` in results)
  const weightOf = (name: TermName) => {
    return `${name}Weight` in results ? scalarOf(results, `${name}Weight`) : (weights[name] ?? 0)
  }
  return {
    losses: Object.fromEntries(terms.map((name) => [name, scalarOf(results, `${name}Loss`)])),
    weights: Object.fromEntries(terms.map((name) => [name, weightOf(name)])),
  }
}

/** The mean of some steps, term by term. */
export function meanResult(results: readonly StepResult[]): StepResult {
  const mean = (of: (result: StepResult) => number) => results.reduce((sum, one) => sum + of(one), 0) / results.length
  const terms = Object.keys(results[0]?.losses ?? {}) as TermName[]
  const each = (of: 'losses' | 'weights') => Object.fromEntries(terms.map((name) => [name, mean((one) => one[of][name] ?? 0)])) // prettier-ignore
  return {
    losses: each('losses'),
    weights: each('weights'),
    total: mean(({ total }) => total),
    gradNorm: mean(({ gradNorm }) => gradNorm),
  }
}

export function scalarOf(results: Results, name: string): number {
  return floats(results, name)[0] ?? Number.NaN
}

/** NaN would spread to all weights and never leave: a trial that gets there has failed. */
export function finite(result: StepResult, step: number): StepResult {
  const values = [...Object.entries(result.losses), ['total', result.total], ['gradNorm', result.gradNorm]] as const
  const bad = values.find(([, value]) => !Number.isFinite(value))
  if (!bad) return result
  const [term, value] = bad
  throw Object.assign(new Error(`diverged at step ${step}: ${term} is ${value}`), { name: 'DivergedError' })
}
