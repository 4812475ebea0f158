import { Worker } from 'node:worker_threads'
import type { ImageSet } from '../data/image_set.ts'
import { HEEDED_AFTER } from '../data/hard_examples.ts'
import type { Batch } from './batch.ts'
import { checkBatchOptions } from './check_batches.ts'
import { emptyBatch, trainBatches, type SceneLosses, type TrainBatchOptions } from './train_batches.ts'

/** Training batches, wherever they are made: the same, bit by bit, on this thread and on another. Close it. */
export interface BatchStream {
  /**
   * The next batch, to be read until the one after it is asked for. `losses` are those of the batch before, one a scene,
   * which hard-example mining wants to know.
   */
  next(losses?: SceneLosses): Promise<Batch>
  /** Milliseconds that `next` took so far: how long a training waited for its data. */
  waited(): number
  close(): Promise<void>
}

/**
 * Opens a stream of batches. A `thread` makes them while the network trains, which pays where the training does not need
 * all cores itself: on a GPU, or with large or resized crops.
 */
export function openBatches(set: ImageSet, options: TrainBatchOptions, thread = false): BatchStream {
  checkBatchOptions(set, options)
  return timed(thread ? onThread(set, options) : onThisThread(set, options))
}

/** What a teacher says about the images of a batch: size x classes x h x w probabilities, h x w as the batch's targets. */
export type Teacher = (batch: Batch) => Promise<Float32Array>

/** The same batches with what a teacher says about each, for distillation. */
export function withTeacher(batches: BatchStream, teacher: Teacher): BatchStream {
  return {
    ...batches,
    async next(losses) {
      const batch = await batches.next(losses)
      return { ...batch, soft: await teacher(batch) }
    },
  }
}

type Source = Omit<BatchStream, 'waited'>

function timed({ next, close }: Source): BatchStream {
  let waited = 0
  return {
    async next(losses) {
      const start = performance.now()
      try {
        return await next(losses)
      } finally {
        waited += performance.now() - start
      }
    },
    waited: () => waited,
    close,
  }
}

function onThisThread(set: ImageSet, options: TrainBatchOptions): Source {
  const batches = trainBatches(set, options)
  return {
    next: async (losses) => batches.next(losses).value,
    close: async () => {},
  }
}

/** What a thread is sent: memory for a batch, and the losses of the batch that lay in it. */
export interface BatchOrder {
  readonly batch: Batch
  readonly losses: SceneLosses
}

/** What a thread starts with. Images are in shared memory: they are not copied. */
export interface BatchWork {
  readonly set: ImageSet
  readonly options: TrainBatchOptions
}

/** The memory of a batch, which goes from thread to thread without a copy: only one of them has it at a time. */
export function memoryOf(batch: Batch): ArrayBuffer[] {
  const arrays = Object.values(batch).filter((value) => ArrayBuffer.isView(value))
  return arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer)
}

/** The thread fills as much memory as a batch may be ahead of the losses that it follows from. */
function onThread(set: ImageSet, options: TrainBatchOptions): Source {
  const worker = new Worker(workerFile, { workerData: { set, options } satisfies BatchWork })
  const send = (order: BatchOrder) => worker.postMessage(order, memoryOf(order.batch))
  const arrivals = arrivalsOf(worker)
  for (let i = 0; i < HEEDED_AFTER; i++) send({ batch: emptyBatch(options), losses: undefined })
  let current: Batch | undefined
  return {
    async next(losses) {
      if (current) send({ batch: current, losses })
      current = undefined
      current = await arrivals()
      return current
    },
    async close() {
      await worker.terminate()
    },
  }
}

/** The batches that a thread sends, in order, one a call. It rejects once the thread has failed or was closed. */
function arrivalsOf(worker: Worker): () => Promise<Batch> {
  const arrived: Batch[] = []
  let end: unknown
  let wake = () => {}
  const endWith = (reason: unknown) => {
    end ??= reason
    wake()
  }
  worker.on('message', (batch: Batch) => {
    arrived.push(batch)
    wake()
  })
  worker.on('error', endWith)
  worker.on('exit', () => endWith(new Error('the thread that makes batches has ended')))
  return async () => {
    if (arrived.length === 0 && end === undefined) await new Promise<void>((resolve) => (wake = resolve))
    const batch = arrived.shift()
    if (batch) return batch
    throw end
  }
}

/** Threads run JavaScript: from the sources, as tests do, the built module is taken. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/models/batch_worker.js' : './batch_worker.js',
  import.meta.url,
)
