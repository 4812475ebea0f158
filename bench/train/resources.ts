import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { openSession } from '../../src/models/engines/open.ts'
import { parseLosses } from '../../src/models/losses/options.ts'
import type { Model } from '../../src/models/model.ts'
import { optimizerOf } from '../../src/models/optimizers/optimizer.ts'
import { trainStepGraph } from '../../src/models/train_step.ts'
import { buildModel } from '../../src/models/zoo.ts'
import { HYPER, madeBatch } from './made.ts'
import { CLASSES } from './nets.ts'
import { cpuMs, median, type Row } from './row.ts'
import { CPU, endless, openNet } from './steps.ts'

const SMALL = { batchSize: 2, side: 64 }
/** What the shipped studies train with. */
const USUAL = { batchSize: 8, side: 64 }
const WORKER_STEPS = 300

/** What training costs besides its steps. */
export async function resourceRows(): Promise<readonly Row[]> {
  return [await compileRow(), await memoryRow(), await sessionsRow(), await workersRow()]
}

/** The default network's step, from a config to a graph that runs: the median of several sizes, none compiled before. */
async function compileRow(): Promise<Row> {
  const times: number[] = []
  for (const side of [32, 48, 64, 80, 96]) {
    times.push(
      await cpuMs(1, async () => (await openStep(buildModel({ name: 'panoptic_deeplab' }, CLASSES), 8, side)).close()),
    )
  }
  const value = median(times)
  return {
    what: 'graph and session of the default net, CPU ms',
    ours: '',
    theirs: '',
    value,
    bound: 250,
    sense: 'at most',
  }
}

async function memoryRow(): Promise<Row> {
  const trainer = await openNet(buildModel({ name: 'panoptic_deeplab' }, CLASSES), SMALL)
  const batch = madeBatch(SMALL.batchSize, SMALL.side, 4)
  const run = (steps: number) => trainer.steps(endless(batch), Array(steps).fill(HYPER))
  await run(500)
  const before = megabytes()
  for (let i = 0; i < 15; i++) await run(100)
  const after = megabytes()
  await trainer.close()
  return growth('memory from step 500 to 2,000', before, after)
}

async function sessionsRow(): Promise<Row> {
  const model = buildModel({ name: 'panoptic_deeplab' }, CLASSES)
  // More sizes than compiled graphs are kept for.
  const open = async (i: number) => (await openStep(model, 1, 16 * (1 + (i % 5)))).close()
  for (let i = 0; i < 50; i++) await open(i)
  const before = megabytes()
  for (let i = 50; i < 200; i++) await open(i)
  return growth('memory from session 50 to 200', before, megabytes())
}

/** Two threads that each train a network against one, by wall time: raw, the median of rounds in turns. */
async function workersRow(): Promise<Row> {
  const gains: number[] = []
  for (let round = 0; round < 9; round++) gains.push((2 * (await secondsOf(1))) / (await secondsOf(2)))
  return { what: 'two workers against one', ours: '', theirs: '', value: median(gains), bound: 1.7, sense: 'at least' }
}

/** How long some threads take that each train the same; they start together once all are ready. */
async function secondsOf(count: number): Promise<number> {
  const workers = Array.from({ length: count }, () => new Worker(new URL(import.meta.url)))
  await Promise.all(workers.map(heard))
  const start = performance.now()
  for (const worker of workers) worker.postMessage('go', [])
  await Promise.all(workers.map(heard))
  const seconds = (performance.now() - start) / 1000
  await Promise.all(workers.map((worker) => worker.terminate()))
  return seconds
}

function heard(worker: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}

/** What each of those threads does. */
export async function work(): Promise<void> {
  const act = await training()
  parentPort!.once('message', async () => {
    await act()
    parentPort!.postMessage('done', [])
  })
  parentPort!.postMessage('ready', [])
}

async function training(): Promise<() => Promise<unknown>> {
  const trainer = await openNet(buildModel({ name: 'panoptic_deeplab' }, CLASSES), USUAL)
  const batch = madeBatch(USUAL.batchSize, USUAL.side, 4)
  const run = (steps: number) => trainer.steps(endless(batch), Array(steps).fill(HYPER))
  await run(20)
  return () => run(WORKER_STEPS)
}

export const isWorker = !isMainThread

function openStep(model: Model, size: number, side: number) {
  const { weights } = HYPER
  const losses = parseLosses({}, CLASSES)
  const shape = { model, size, height: side, width: side, losses, weights, frozen: [] }
  const update = { optimizer: optimizerOf(), clipping: 'norm', isAveraged: false } as const
  return openSession(trainStepGraph(shape, update), CPU)
}

function megabytes(): number {
  globalThis.gc?.()
  return process.memoryUsage.rss() / 2 ** 20
}

function growth(what: string, before: number, after: number): Row {
  const [ours, theirs] = [`${after.toFixed(0)} MB`, `${before.toFixed(0)} MB`]
  return { what, ours, theirs, value: after / before, bound: 1.1, sense: 'at most' }
}
