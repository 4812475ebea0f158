import type { Study } from '../study.ts'
import type { Job } from './executor.ts'
import { openLog } from './output.ts'

/** The reports of a job's objective, run in this thread; what it prints goes to the trial's log. */
export async function* runJob(job: Job, signal: AbortSignal): AsyncGenerator<unknown, void, void> {
  const log = openLog(job.dir)
  try {
    const study = await log.capture(() => importStudy(job.studyUrl))
    if (signal.aborted) return
    const reports = log.capture(() => startObjective(study, job, signal))
    try {
      for (;;) {
        const { done, value } = await log.capture(() => reports.next())
        if (done === true) return
        yield value
      }
    } finally {
      await log.capture(() => reports.return?.())
    }
  } catch (error) {
    log.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    throw error
  }
}

export async function importStudy(url: string): Promise<Study> {
  const { default: study } = (await import(/* @vite-ignore */ url)) as { readonly default: Study }
  return study
}

/** The driver has checked the study, but only a call shows what its objective gives. */
function startObjective(study: Study, job: Job, signal: AbortSignal): AsyncIterator<unknown> {
  const { studyUrl: _, params, ...context } = job
  const { goals } = study
  const reports: unknown = study.objective(params as never, { ...context, goals, signal } as never)
  if (typeof reports === 'object' && reports !== null && Symbol.asyncIterator in reports) {
    return (reports as AsyncIterable<unknown>)[Symbol.asyncIterator]()
  }
  throw new TypeError(
    `the objective of '${study.name}' gives no reports: write async *objective(params, trial) { ... yield { ${goals[0]?.metric}: ... } }`,
  )
}
