import { remote, type Port } from './channel.ts'
import type { Executor, Job, Slot } from './executor.ts'
import { GRACE_MS, startReading, type ExecutorOptions, type Reading } from './reading.ts'

/** A slot's own worker, in a thread or a process. It runs one trial at a time. */
export interface Worker {
  /** Hands it a job, whose reports are then asked for over the port. `onLost` hears it where the worker is gone before. */
  start(job: Job, onLost: (error: Error) => void): Port & { close(): void }
  /** Ends it: resolves when it has exited. */
  end(): Promise<void>
  /** Whether it may be ended while it does not answer. Otherwise it is left behind, and its slot is given up. */
  readonly canBeKilled: boolean
}

/** Starts a worker of a slot. `onGone` hears that it has exited, though it may run no trial. */
export type OpenWorker = (slot: Slot, onGone: () => void) => Worker

/** How long a worker that is not stuck in a call may take to say so. */
const PING_MS = 1000

interface Lane {
  readonly slot: Slot
  worker: Worker | undefined
  running: Reading | undefined
  /** Whether its worker hangs, and is left behind. */
  isGivenUp: boolean
}

/**
 * Runs objectives in workers, one a slot, which go from trial to trial. A worker that dies costs its trial, and the next one
 * gets another worker. Force is for an objective that is still there after the grace period, and a slot is free again only
 * when its worker has exited.
 */
export function workersExecutor(
  slots: readonly Slot[],
  data: Executor['data'],
  openWorker: OpenWorker,
  { graceMs = GRACE_MS }: ExecutorOptions,
): Executor {
  const closing = new AbortController()
  const lanes = slots.map((slot): Lane => ({ slot, worker: undefined, running: undefined, isGivenUp: false }))

  return {
    get slots() {
      return lanes.filter(({ isGivenUp }) => !isGivenUp).map(({ slot }) => slot)
    },
    data,
    run: async function* run(job, slot, signal) {
      const lane = lanes.find((one) => one.slot.index === slot.index)
      if (!lane || lane.isGivenUp) throw new Error(`there is no slot ${slot.index}`)
      const stop = AbortSignal.any([signal, closing.signal])
      const trial = startTrial(lane, workerOf(lane, openWorker), job, stop, graceMs)
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
      const ends = lanes.map(async (lane) => {
        await lane.running?.end().catch(() => undefined) // its reader is told why
        if (!lane.isGivenUp) await retire(lane)
      })
      await Promise.all(ends)
    },
  }
}

function workerOf(lane: Lane, openWorker: OpenWorker): Worker {
  if (lane.worker) return lane.worker
  const worker = openWorker(lane.slot, () => {
    if (lane.worker === worker) lane.worker = undefined
  })
  lane.worker = worker
  return worker
}

/** Hands a job to the slot's worker, which then waits to be asked for reports. */
function startTrial(
  lane: Lane,
  worker: Worker,
  job: Job,
  stop: AbortSignal,
  graceMs: number,
): { reading: Reading; close(): void } {
  let isForced = false
  const port = worker.start(job, (error) => {
    if (lane.worker === worker) lane.worker = undefined
    if (!isForced) reports.close(error)
  })
  const reports = remote(port)
  const abort = () => reports.abort()
  stop.addEventListener('abort', abort)
  if (stop.aborted) abort()

  const force = async () => {
    isForced = true
    if (worker.canBeKilled || (await answers(reports.ping(), Math.min(graceMs, PING_MS)))) {
      await retire(lane)
      return 'was ended by force'
    }
    lane.isGivenUp = true
    return 'hangs in native code, where a thread cannot be ended from outside'
  }
  const reading = startReading(reports, stop, graceMs, force)
  const close = () => {
    stop.removeEventListener('abort', abort)
    reports.close()
    port.close()
  }
  return { reading, close }
}

/** Resolves when the slot's worker has exited; the next trial gets a new one. */
async function retire(lane: Lane): Promise<void> {
  const { worker } = lane
  lane.worker = undefined
  await worker?.end()
}

async function answers(answer: Promise<void>, withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs)
  })
  return Promise.race([answer.then(() => true), late]).finally(() => clearTimeout(timer))
}
