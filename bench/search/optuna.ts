import { existsSync, readFileSync } from 'node:fs'

/** One study that Optuna ran: its regrets by the number of evaluations. */
interface Run {
  readonly func: string
  readonly sampler: string
  readonly seed: number
  readonly best: Readonly<Record<string, number>>
}

/** Optuna's results, sequential ones and those with 8 simulated workers. */
export interface Optuna {
  /** Regrets of one sampler, a seed each; none where it was not run for as long. */
  regrets(workers: number, fn: string, sampler: string, evaluations: number): readonly number[]
  /** The samplers that were run on a function. */
  samplers(workers: number, fn: string): readonly string[]
}

/** Reads the results of `optuna_baseline.py`; undefined where the file is not there. */
export function readOptuna(path: string): Optuna | undefined {
  if (!existsSync(path)) return undefined
  const sections = Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, { raw?: readonly Run[] }>)
  const runsOf = (workers: number) =>
    sections
      .filter(([name]) => name.startsWith('quality_') && name.endsWith('_w8') === (workers === 8))
      .flatMap(([, { raw = [] }]) => raw)
  const all = new Map([1, 8].map((workers) => [workers, runsOf(workers)]))
  const runs = (workers: number, fn: string) => all.get(workers)?.filter(({ func }) => func === fn) ?? []
  return {
    regrets: (workers, fn, sampler, evaluations) => {
      // Some samplers were run twice, for fewer evaluations and for more: one result a seed.
      const measured = runs(workers, fn).filter((run) => run.sampler === sampler && run.best[evaluations] !== undefined)
      return [...new Map(measured.map(({ seed, best }) => [seed, best[evaluations]!])).values()]
    },
    samplers: (workers, fn) => [...new Set(runs(workers, fn).map(({ sampler }) => sampler))],
  }
}
