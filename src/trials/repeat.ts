import { TuneError } from '../errors.ts'
import { seedFor } from '../rng.ts'
import { emptyDir } from '../results.ts'
import type { Params } from '../space.ts'
import type { Study } from '../study.ts'
import type { Metrics } from '../trial.ts'
import type { Executor, Slot } from './executor.ts'
import { parseReport } from './report.ts'
import { maxSteps } from './run_trial.ts'

/** Some configurations to run again, each with the same new seeds. */
export interface Repeats {
  readonly study: Study
  readonly url: string
  /** What the study's `prepare` gave. */
  readonly data: unknown
  readonly executor: Executor
  readonly configs: readonly Params[]
  readonly seeds: number
  /** The directory of one run. */
  readonly dirOf: (config: number, repeat: number) => string
  readonly signal: AbortSignal
  readonly onEnd: (config: number, repeat: number, result: Metrics) => void
}

/**
 * Runs every configuration to its end with every seed, outside the study: nothing is stored and nothing is stopped
 * early. The seeds are new to the study, and the same for all configurations, so that results can be compared in pairs.
 * Gives the last report of each run, by configuration and seed; throws what an objective throws.
 */
export async function repeat(repeats: Repeats): Promise<readonly (readonly Metrics[])[]> {
  const { executor, configs, seeds } = repeats
  const results = configs.map((): Metrics[] => [])
  // Seed by seed, so that pairs are complete as early as can be.
  const tasks = Array.from({ length: seeds }, (_, seed) => configs.map((_, config) => ({ config, seed })))
    .flat()
    .values()
  const lanes = executor.slots.map(async (slot) => {
    for (const { config, seed } of tasks) {
      const result = await runToEnd(repeats, config, seed, slot)
      results[config]![seed] = result
      repeats.onEnd(config, seed, result)
    }
  })
  await Promise.all(lanes)
  return results
}

async function runToEnd(
  { study, url, data, executor, configs, dirOf, signal }: Repeats,
  config: number,
  repeat: number,
  slot: Slot,
): Promise<Metrics> {
  const job = {
    studyUrl: url,
    number: repeat,
    params: configs[config]!,
    seed: seedFor(study.seed, 'repeat', repeat),
    device: slot.device,
    maxSteps: maxSteps(study),
    dir: emptyDir(dirOf(config, repeat)),
    settings: study.settings,
    data,
  }
  let last: Metrics = {}
  let steps = 0
  for await (const value of executor.run(job, slot, signal)) {
    const report = parseReport(value, study.goals, ++steps)
    if ('failed' in report) throw new TuneError('study/invalid', `a repeated run failed: ${report.failed.message}`)
    last = report.metrics
    if (steps >= job.maxSteps) break
  }
  signal.throwIfAborted()
  return last
}
