import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { messageOf } from '../errors.ts'
import { remote } from './channel.ts'
import type { Executor, Job, Slot } from './executor.ts'
import { lostError } from './lost.ts'
import { GRACE_MS, startReading, type ExecutorOptions, type Reading } from './reading.ts'

/** A slot's own worker thread, and what runs there. A pool cannot pin its threads, so each slot has a pool of one. */
interface Lane {
  pool: Piscina | undefined
  running: Reading | undefined
}

/**
 * Runs objectives in worker threads, one a slot. Reports are pulled over a message port. A trial is stopped by its own
 * cooperation: to terminate a thread inside a native call, such as a training step of onnxruntime, aborts the whole
 * process. Force is for an objective that is still there after the grace period, and a slot is free again only when
 * that thread has exited.
 */
export function threadsExecutor(slots: readonly Slot[], { graceMs = GRACE_MS }: ExecutorOptions = {}): Executor {
  const closing = new AbortController()
  const lanes = new Map(slots.map(({ index }): [number, Lane] => [index, { pool: undefined, running: undefined }]))

  return {
    slots,
    sendsData: true,
    run: async function* run(job, slot, signal) {
      const lane = lanes.get(slot.index)
      if (!lane) throw new Error(`there is no slot ${slot.index}`)
      const stop = AbortSignal.any([signal, closing.signal])
      const trial = startTrial(lane, job, stop, graceMs)
      lane.running = trial.reading
      try {
        yield* trial.reading.reports
      } finally {
        lane.running = undefined
        trial.close()
      }
    },
    close: async () => {
      closing.abort()
      const ends = [...lanes.values()].map(async (lane) => {
        await lane.running?.end().catch(() => undefined) // its reader is told why
        await retire(lane)
      })
      await Promise.all(ends)
    },
  }
}

/** Hands a job to the slot's worker, which then waits to be asked for reports. */
function startTrial(lane: Lane, job: Job, stop: AbortSignal, graceMs: number): { reading: Reading; close(): void } {
  const { port1, port2 } = new MessageChannel()
  const reports = remote(port1)
  const abort = () => reports.abort()
  let isForced = false

  lane.pool ??= startWorker()
  lane.pool.run({ job, port: port2 }, { transferList: [port2] }).catch((error: unknown) => {
    // The worker answers for its objective; that it does not come back means that it is gone.
    if (!isForced) reports.close(lostError(`its worker ended: ${messageOf(error)}`, error))
  })
  stop.addEventListener('abort', abort)
  if (stop.aborted) abort()

  const reading = startReading(reports, stop, graceMs, async () => {
    isForced = true
    await retire(lane)
  })
  const close = () => {
    stop.removeEventListener('abort', abort)
    reports.close()
  }
  return { reading, close }
}

function startWorker(): Piscina {
  const pool = new Piscina({
    filename: workerFile.href,
    minThreads: 1,
    maxThreads: 1,
    concurrentTasksPerWorker: 1,
    // The others put the worker's event loop to sleep between tasks, and timers with it.
    atomics: 'disabled',
  })
  // A worker that fails between two trials is replaced; no trial is harmed.
  pool.on('error', () => undefined)
  return pool
}

/** Resolves when the slot's thread has exited; the next trial gets a new one. */
async function retire(lane: Lane): Promise<void> {
  const { pool } = lane
  lane.pool = undefined
  await pool?.destroy()
}

/** Threads run JavaScript: from the sources, as the tests do, the built worker is taken. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/trials/worker.js' : './worker.js',
  import.meta.url,
)
