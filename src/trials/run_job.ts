import type { Study } from '../study.ts'
import type { Job } from './executor.ts'
import { openLog } from './output.ts'

/** The reports of a job's objective, run in this thread; what it prints goes to the trial's log. */
export async function* runJob(job: Job, signal: AbortSignal): AsyncGenerator<unknown, void, void> {
  const log = openLog(job.dir)
  try {
    const reports = await log.capture(() => startObjective(job, signal))
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
  } finally {
    log.close()
  }
}

async function startObjective(job: Job, signal: AbortSignal): Promise<AsyncIterator<unknown>> {
  const { studyUrl, params, ...context } = job
  const { default: study } = (await import(/* @vite-ignore */ studyUrl)) as { readonly default: Study }
  const reports = study.objective(params as never, { ...context, signal } as never) as
    | Partial<AsyncIterable<unknown>>
    | undefined
  const start = reports?.[Symbol.asyncIterator]
  if (!start) {
    throw new TypeError(`the objective of '${study.name}' gives no reports: write async *objective(params, trial) { ... yield { ${study.goals[0]?.metric}: ... } }`) // prettier-ignore
  }
  return start.call(reports)
}
