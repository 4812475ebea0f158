import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { isTuneError, TuneError } from '../errors.ts'
import { projectedSeconds, runsAfter, type MeasuredReport } from '../models/probe.ts'
import { cacheDir, emptyDir, logFile } from '../results.ts'
import { seedFor } from '../rng.ts'
import { defaults, type Params } from '../space.ts'
import type { Study } from '../study.ts'
import { BASELINE } from '../trial.ts'
import { withDerived } from '../trials/derived.ts'
import type { Executor, Job, Slot } from '../trials/executor.ts'
import { projectStudy, type Projection, type TrialCost } from '../trials/projection.ts'
import { failureOf } from '../trials/report.ts'
import { maxSteps, NO_REPORT } from '../trials/run_trial.ts'
import { withPeakMemory, type PeakMemory } from './peak_memory.ts'
import type { ProbeData } from './probe_trial.ts'

/** What the baseline of a study costs, measured in all slots at once. */
export interface StudyCost extends TrialCost {
  /** What one of the slots measured, report by report. */
  readonly measured: readonly MeasuredReport[]
  readonly memory: PeakMemory
  /** Absent where nobody knows how many reports there will be. */
  readonly projection?: Projection
}

export interface StudyProbe {
  readonly study: Study
  /** URL of its bundle. */
  readonly url: string
  /** What its `prepare` gave. */
  readonly data: unknown
  readonly executor: Executor
  readonly results: string
  readonly signal: AbortSignal
}

/** Of an objective that trains nothing with us so many reports are read. Others leave reports out themselves. */
const REPORTS = 2

/** Runs the baseline's objective in every slot, shortened, and projects what the study will take. */
export async function probeStudy(probe: StudyProbe): Promise<StudyCost> {
  const { study, results, executor, signal } = probe
  const slots = executor.slots.slice(0, study.budget.trials)
  const dir = join(cacheDir(results), `probe-${process.pid}`)
  const forget = () => rmSync(dir, { recursive: true, force: true })
  const devices = slots.map(({ device }) => device)
  const { result: ends, memory } = await withPeakMemory(devices, () =>
    // All are awaited: where one fails, so do the others, for they run the same.
    Promise.allSettled(slots.map((slot) => measureSlot(probe, slot, join(dir, String(slot.index))))),
  )
  if (signal.aborted) forget()
  const costs = ends.map(valueOf)
  forget()
  const { measured, isWhole } = costs[0]!
  const reports = costs[0]!.reports.map((_, i) => mean(costs.map((cost) => cost.reports[i] ?? 0)))
  const cost = { measured, memory, reports, start: mean(costs.map(({ start }) => start)) }
  return isWhole ? { ...cost, projection: projectStudy(study, cost, slots.length) } : cost
}

interface SlotCost extends TrialCost {
  readonly measured: readonly MeasuredReport[]
  /** Whether it is known how many reports a trial has. */
  readonly isWhole: boolean
}

/** What a slot loads and compiles for its first trial, later ones find ready: the first report is read twice. */
async function measureSlot(probe: StudyProbe, slot: Slot, dir: string): Promise<SlotCost> {
  const [cold] = (await readTrial(probe, slot, join(dir, 'cold'), 1)).measured
  const { measured, isCut } = await readTrial(probe, slot, join(dir, 'warm'), REPORTS, runsAfter(cold!))
  const known = projectedSeconds(measured)
  const steps = maxSteps(probe.study)
  const rest = isCut && steps !== Infinity ? steps - known.length : 0
  return {
    measured,
    isWhole: !isCut || rest > 0,
    reports: [...known, ...Array<number>(rest).fill(known.at(-1)!)],
    start: Math.max(0, projectedSeconds([cold!])[0]! - known[0]!),
  }
}

/** Reads at most `limit` reports, or all where some of them train: such a trial leaves reports out itself. */
async function readTrial(
  probe: StudyProbe,
  slot: Slot,
  dir: string,
  limit: number,
  runs?: number,
): Promise<{ readonly measured: readonly MeasuredReport[]; readonly isCut: boolean }> {
  const { study, executor, signal } = probe
  const job = jobOf(probe, slot, dir, runs)
  const measured: MeasuredReport[] = []
  const isEnough = () => limit === 1 || (measured.length >= limit && measured.every(({ trainings }) => trainings.length === 0)) // prettier-ignore
  try {
    for await (const report of executor.run(job, slot, signal)) {
      // What `probe_trial.ts` yields.
      measured.push(report as MeasuredReport)
      if (projectedSeconds(measured).length >= job.maxSteps) break
      if (isEnough()) return { measured, isCut: true }
    }
  } catch (error) {
    signal.throwIfAborted()
    if (isTuneError(error)) throw error
    throw failed(study, failureOf(error).message, dir)
  }
  signal.throwIfAborted()
  if (measured.length === 0) throw failed(study, NO_REPORT.message, dir)
  return { measured, isCut: false }
}

function jobOf({ study, url, data }: StudyProbe, slot: Slot, dir: string, runs: number | undefined): Job {
  return {
    studyUrl: probeTrial.href,
    number: BASELINE,
    params: withDerived(study, defaults(study.space) as Params),
    seed: seedFor(study.seed, 'trial', BASELINE),
    device: slot.device,
    maxSteps: maxSteps(study),
    reported: 0,
    dir: emptyDir(dir),
    settings: study.settings,
    data: { url, data, ...(runs !== undefined && { runs }) } satisfies ProbeData,
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function failed({ name }: Study, message: string, dir: string): TuneError {
  return new TuneError('study/invalid', `${name}: its baseline failed: ${message}`, {
    hint: `what it printed: ${logFile(dir)}`,
  })
}

function valueOf<T>(end: PromiseSettledResult<T>): T {
  if (end.status === 'fulfilled') return end.value
  throw end.reason
}

/** Threads run JavaScript: from the sources, as tests do, the built module is taken. */
const probeTrial = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/cli/probe_trial.js' : './probe_trial.js',
  import.meta.url,
)
