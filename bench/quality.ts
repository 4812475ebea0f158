/*
 * What one trial reaches in minutes: panoptic quality on held-out images, against what is promised.
 *   npm run bench -- quality [shapes64] [shapes96] [dsb2018] [--seeds 3] [--cpu-seconds 300] [--data ../shared/data/dsb2018]
 * One training thread; a training is as long as the CPU seconds that its first steps say it may be.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openImageSet } from '../src/data/open.ts'
import { openShapes } from '../src/data/shapes.ts'
import type { ImageSet } from '../src/data/image_set.ts'
import { trainModel } from '../src/models/train.ts'
import type { TrainOptions } from '../src/models/train_options.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '3' },
    'cpu-seconds': { type: 'string', default: '300' },
    data: { type: 'string', default: '../shared/data/dsb2018' },
  },
})
const cacheDir = 'results/cache'

interface Task {
  readonly open: (split: 'train' | 'heldout') => Promise<ImageSet>
  /** Which score is promised, and how much. */
  readonly metric: 'pq' | 'pq_things'
  readonly atLeast: number
  readonly options: Omit<TrainOptions, 'trial' | 'set'>
}

const common = { lr: 7e-3, weights: { semantic: 1, center: 20, offset: 0.1 } }
const shapes = (size: number) => (split: 'train' | 'heldout') =>
  openShapes({ cacheDir, split, size, train: 2048, seed: 1 })
const TASKS: Readonly<Record<string, Task>> = {
  shapes64: { open: shapes(64), metric: 'pq', atLeast: 70, options: { ...common, batch: 8, crop: 64 } },
  shapes96: { open: shapes(96), metric: 'pq', atLeast: 75, options: { ...common, batch: 8, crop: 96 } },
  dsb2018: {
    open: (split) => openImageSet({ dir: values.data, split: split === 'train' ? 'train' : 'test', cacheDir }),
    metric: 'pq_things',
    atLeast: 55,
    options: { ...common, lr: 1e-2, batch: 8, crop: 128 },
  },
}

const asked = positionals.length > 0 ? positionals : Object.keys(TASKS)
for (const name of asked) {
  const task = TASKS[name]
  if (!task) throw new Error(`no task '${name}'; there are ${Object.keys(TASKS).join(', ')}`)
  if (name === 'dsb2018' && !existsSync(values.data)) console.log(`${name}: no data at ${values.data}, left out`)
  else for (let seed = 1; seed <= Number(values.seeds); seed++) await measure(name, task, seed)
}

async function measure(name: string, { open, metric, atLeast, options }: Task, seed: number): Promise<void> {
  const [set, heldOut] = [await open('train'), await open('heldout')]
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-quality-'))
  const trial = {
    seed,
    device: { kind: 'cpu', index: 0, threads: 1 },
    signal: new AbortController().signal,
    dir,
  } as const
  try {
    const every = Math.floor((0.97 * Number(values['cpu-seconds'])) / (await secondsPerStep()))
    const before = process.cpuUsage()
    for await (const model of trainModel({ ...options, trial: { ...trial, maxSteps: 1 }, set, every })) {
      const scores = await model.score(heldOut)
      const { user, system } = process.cpuUsage(before)
      const missed = scores[metric] < atLeast ? ' MISSED' : ''
      console.log(
        `${name} seed ${seed}: ${metric} ${scores[metric].toFixed(1)} (at least ${atLeast}${missed}), PQ ${scores.pq.toFixed(1)}, things ${scores.pq_things.toFixed(1)}, ${every} steps, ${((user + system) / 1e6).toFixed(0)} CPU s`,
      )
      if (missed !== '') process.exitCode = 1
    }
  } finally {
    rmSync(dir, { recursive: true })
  }

  async function secondsPerStep(): Promise<number> {
    const [steps, starts] = [40, process.cpuUsage()]
    for await (const _ of trainModel({ ...options, trial: { ...trial, maxSteps: 1 }, set, every: steps })) break
    const { user, system } = process.cpuUsage(starts)
    return (user + system) / 1e6 / steps
  }
}
