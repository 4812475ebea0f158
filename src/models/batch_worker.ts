import { parentPort, workerData } from 'node:worker_threads'
import { memoryOf, type BatchOrder, type BatchWork } from './batch_stream.ts'
import { batchWriter, planFrom } from './train_batches.ts'

// The thread behind `openBatches`: one batch an order, in their order.
const { set, options }: BatchWork = workerData
const plan = planFrom(set, options)
const write = batchWriter(set, options)

parentPort?.on('message', ({ batch, losses }: BatchOrder) => {
  if (losses) plan.heed(losses)
  const made = write(plan.next(), batch)
  parentPort?.postMessage(made, memoryOf(made))
})
