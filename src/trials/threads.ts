import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { messageOf } from '../errors.ts'
import type { Executor, Slot } from './executor.ts'
import { lostError } from './lost.ts'
import type { ExecutorOptions } from './reading.ts'
import { threadPort } from './thread_port.ts'
import { workersExecutor, type Worker } from './workers.ts'

/**
 * Runs objectives in worker threads, one a slot. Data is shared, not copied, and a thread starts in 50 ms: but they share
 * the fate of this process, too. A trial is stopped by its own cooperation: to terminate a thread inside a native call, such
 * as a training step of onnxruntime, aborts the whole process, so that one which hangs there is left behind.
 */
export function threadsExecutor(slots: readonly Slot[], options: ExecutorOptions = {}): Executor {
  return workersExecutor(slots, 'shared', openThread, options)
}

/** A pool cannot pin its threads, so each slot has a pool of one. */
function openThread(): Worker {
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
  return {
    start: (job, onLost) => {
      const { port1, port2 } = new MessageChannel()
      pool.run({ job, port: port2 }, { transferList: [port2] }).catch((error: unknown) => {
        // The worker answers for its objective; that it does not come back means that it is gone.
        onLost(lostError(`its worker ended: ${messageOf(error)}`, error))
      })
      return { ...threadPort(port1), close: () => port1.close() }
    },
    end: () => pool.destroy(),
    canBeKilled: false,
  }
}

/** Threads run JavaScript: from the sources, as the tests do, the built worker is taken. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/trials/worker.js' : './worker.js',
  import.meta.url,
)
