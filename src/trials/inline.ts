import type { Executor, Slot } from './executor.ts'
import { GRACE_MS, startReading, type ExecutorOptions, type Reading } from './reading.ts'
import { runJob } from './run_job.ts'

/**
 * Runs objectives in this thread: for tests, debuggers, and objectives that only wait for something else. One that does
 * not end in time is left behind, for a thread cannot be ended from within.
 */
export function inlineExecutor(slots: readonly Slot[], { graceMs = GRACE_MS }: ExecutorOptions = {}): Executor {
  const closing = new AbortController()
  const running = new Set<Reading>()
  return {
    slots,
    data: 'itself',
    run: async function* run(job, _slot, signal) {
      const stop = AbortSignal.any([signal, closing.signal])
      // Copies, as a thread gets them: an objective may write to its values, which are the history's too.
      const own = { ...job, ...structuredClone({ params: job.params, settings: job.settings }) }
      const reading = startReading(runJob(own, stop), stop, graceMs, leaveBehind)
      running.add(reading)
      try {
        yield* reading.reports
      } finally {
        running.delete(reading)
      }
    },
    close: async () => {
      closing.abort()
      await Promise.allSettled([...running].map((reading) => reading.end()))
    },
  }
}

/** All that this thread can do about an objective that does not end. */
async function leaveBehind(): Promise<string> {
  return 'was left behind'
}
