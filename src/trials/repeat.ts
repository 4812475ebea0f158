import { TuneError } from '../errors.ts'
import { seedFor } from '../rng.ts'
import { checkpointDir, emptyDir, logFile, removeDir } from '../results.ts'
import type { Params } from '../space.ts'
import type { Study } from '../study.ts'
import type { Metrics } from '../trial.ts'
import { withDerived } from './derived.ts'
import type { Executor, Job, Slot } from './executor.ts'
import { failureOf, parseReport, type Parsed } from './report.ts'
import { maxSteps, NO_REPORT } from './run_trial.ts'
import { checkSendable } from './sendable.ts'

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
 * Gives the last report of each run, by configuration and seed. The first run that fails ends them all by a `TuneError`.
 */
export async function repeat(repeats: Repeats): Promise<readonly (readonly Metrics[])[]> {
  const { study, data, executor, configs, seeds } = repeats
  checkSendable(executor, study, data)
  const halt = new AbortController()
  const signal = AbortSignal.any([repeats.signal, halt.signal])
  const results = configs.map((): Metrics[] => [])
  // Seed by seed, so that pairs are complete as early as can be.
  const tasks = Array.from({ length: seeds }, (_, seed) => configs.map((_, config) => ({ config, seed })))
    .flat()
    .values()
  const lanes = executor.slots.map(async (slot) => {
    try {
      for (const { config, seed } of tasks) {
        const result = await runToEnd({ ...repeats, signal }, config, seed, slot)
        results[config]![seed] = result
        repeats.onEnd(config, seed, result)
      }
    } catch (error) {
      halt.abort(error)
      throw error
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
    params: withDerived(study, configs[config]!),
    seed: seedFor(study.seed, 'repeat', repeat),
    device: slot.device,
    maxSteps: maxSteps(study),
    dir: emptyDir(dirOf(config, repeat)),
    reported: 0,
    settings: study.settings,
    data,
  }
  const end = await readToEnd(study, executor, job, slot, signal)
  removeDir(checkpointDir(job.dir))
  signal.throwIfAborted()
  if ('metrics' in end) return end.metrics
  throw new TuneError(
    'study/invalid',
    `the run of ${JSON.stringify(job.params)} with new seed ${repeat + 1} failed: ${end.failed.message}`,
    { hint: `what it printed: ${logFile(job.dir)}` },
  )
}

/** The last report of a run, or how it failed. */
async function readToEnd(study: Study, executor: Executor, job: Job, slot: Slot, signal: AbortSignal): Promise<Parsed> {
  let last: Parsed = { failed: NO_REPORT }
  let steps = 0
  try {
    for await (const value of executor.run(job, slot, signal)) {
      last = parseReport(value, study.goals, ++steps)
      if ('failed' in last || steps >= job.maxSteps) break
    }
    return last
  } catch (error) {
    return { failed: failureOf(error) }
  }
}
