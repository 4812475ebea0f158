import { writeFileSync } from 'node:fs'
import { ensureDir } from '../results.ts'
import type { Study } from '../study.ts'
import { serve } from './channel.ts'
import type { Job } from './executor.ts'
import { processPort } from './process_port.ts'
import { importStudy, runJob } from './run_job.ts'

/** What a worker process is told to run. Its data it prepares itself, from the same checkpoints as its driver did. */
export interface ProcessJob extends Omit<Job, 'data'> {
  readonly sources: Readonly<Record<string, string>>
}

/**
 * What a worker process does: runs one job after another, each as its driver asks for its reports. It ends with its driver:
 * at once, or as soon as it comes back from native code.
 */
export function serveDriver(cacheDir: string): void {
  beFirstVictim()
  printWhole()
  // Those are meant for the driver, which then says what is to be done.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.on('disconnect', () => process.kill(-process.pid, 'SIGKILL'))
  const prepared = memoPrepare(cacheDir)
  const port = processPort(process)
  port.listen((message) => {
    if (!isJob(message)) return
    const stop = new AbortController()
    void serve(port, runPrepared(message.job, prepared, stop.signal), stop)
  })
}

async function* runPrepared(
  job: ProcessJob,
  prepared: (job: ProcessJob) => Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown, void, void> {
  yield* runJob({ ...job, data: await prepared(job) }, signal)
}

/** A study's `prepare`, run once for all its jobs. Where it fails, the next job tries again. */
function memoPrepare(cacheDir: string): (job: ProcessJob) => Promise<unknown> {
  const ready = new Map<string, unknown>()
  return async ({ studyUrl, settings, sources }) => {
    const key = JSON.stringify([studyUrl, settings, sources])
    if (!ready.has(key)) {
      const { prepare }: Study = await importStudy(studyUrl)
      const context = { settings, cacheDir: ensureDir(cacheDir), progress: () => undefined }
      ready.set(key, await prepare?.({ ...context, bestOf: (study) => sources[study] ?? '' }))
    }
    return ready.get(key)
  }
}

/** Native code that prints much would fail where Node.js has made its own pipes to give up when they are full. */
function printWhole(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const { _handle: handle } = stream as { _handle?: { setBlocking?: (on: boolean) => void } }
    handle?.setBlocking?.(true)
  }
}

/** Where memory runs out, Linux had better end a trial than the driver of all of them. */
function beFirstVictim(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '500')
  } catch {
    // Only Linux asks.
  }
}

function isJob(message: unknown): message is { readonly job: ProcessJob } {
  return typeof message === 'object' && message !== null && 'job' in message
}
