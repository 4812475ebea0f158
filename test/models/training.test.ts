import { beforeAll, describe, expect, test } from 'vitest'
import { existsSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openShapes } from '../../src/data/shapes.ts'
import { checkpointDir } from '../../src/results.ts'
import { openScorer } from '../../src/models/score.ts'
import { openCheckpoint } from '../../src/models/starts.ts'
import { checkpointFile } from '../../src/results.ts'
import { trainModel, type TrainedModel } from '../../src/models/train.ts'
import type { TrainOptions } from '../../src/models/train_options.ts'
import { openTrainer } from '../../src/models/trainer.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const cacheDir = sharedTemporaryDir()
const weights = { semantic: 1, center: 20, offset: 0.1 }
const small = {
  name: 'panoptic_deeplab',
  backbone: { name: 'plain', widths: [8, 16, 16] },
  norm: { name: 'batch' },
  semantic: { channels: 16, head: 16 },
  instance: { channels: 16, head: 16 },
} as const
let set: ImageSet

beforeAll(async () => {
  set = await openShapes({ cacheDir, split: 'val', size: 64, train: 1, val: 6, heldout: 1 })
})

type Change = Partial<Omit<TrainOptions, 'trial'>> & { readonly trial?: Partial<TrainOptions['trial']> }

function options({ trial, ...change }: Change = {}): TrainOptions {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  const own = { seed: 1, device, signal: new AbortController().signal, maxSteps: 4, dir: temporaryDir() }
  return { set, weights, model: small, every: 4, crop: 32, ...change, trial: { ...own, ...trial } }
}

/** Trains, for as many reports as asked; gives the last of them. */
async function trained(how: TrainOptions, reports = Infinity): Promise<TrainedModel> {
  let last: TrainedModel | undefined
  let count = 0
  for await (const model of trainModel(how)) {
    last = model
    if (++count >= reports) break
  }
  return last!
}

function goingOn(how: TrainOptions, reported: number): TrainOptions {
  return { ...how, trial: { ...how.trial, reported } }
}

function stateIn(how: TrainOptions) {
  const { state, network } = openCheckpoint(checkpointFile(how.trial.dir))
  return { state, names: network.parameters.map(({ name }) => name) }
}

describe('a training that was stopped', () => {
  const changes: readonly [string, Change][] = [
    ['plain', {}],
    ['with its batches made on a thread', { loaderThread: true }],
    [
      'with phases and several batches a step',
      { accumulate: 2, phases: [{ after: 0.5, freeze: ['backbone'], lr: 0.5 }] },
    ],
    ['with an average of its weights, weighed by instances', { average: 0.9, losses: { instances: 'cross_entropy' } }],
    ['with hard examples mined', { sampling: { hardest: 3 }, batch: 2 }],
    ['with learned weights of its losses', { losses: { weighting: 'learned' } }],
  ]
  test.each(changes)('goes on from its checkpoint to the bit: %s (M4)', async (_, change) => {
    const whole = options(change)
    await trained(whole)
    const stopped = options(change)
    await trained(stopped, 2)
    const reports: number[] = []
    for await (const { steps } of trainModel(goingOn(stopped, 2))) reports.push(steps)
    expect(reports).toEqual([12, 16])
    expect(stateIn(stopped)).toEqual(stateIn(whole))
  })

  test('goes on to the bit from any report: that of its newest checkpoint, the one before, or one it kept nothing of', async () => {
    const whole = options()
    await trained(whole)
    for (const reported of [3, 2, 1]) {
      const stopped = options()
      await trained(stopped, 3)
      expect(readdirSync(checkpointDir(stopped.trial.dir)).toSorted()).toEqual(['2.safetensors', '3.safetensors'])
      const reports: number[] = []
      for await (const { steps } of trainModel(goingOn(stopped, reported))) reports.push(steps)
      expect(reports).toEqual([8, 12, 16].slice(reported - 1))
      expect(stateIn(stopped)).toEqual(stateIn(whole))
    }
  })

  test('does not go on from the checkpoint of another training, and begins anew where it has only half of one', async () => {
    const how = options()
    await trained(how, 1)
    await expect(trained({ ...goingOn(how, 1), lr: 0.1 })).rejects.toMatchObject({
      code: 'checkpoint/invalid',
      message: expect.stringContaining('another training'),
    })
    const file = join(checkpointDir(how.trial.dir), '1.safetensors')
    truncateSync(file, Math.floor(statSync(file).size / 2))
    const whole = options()
    await trained(whole)
    await trained(goingOn(how, 1))
    expect(stateIn(how)).toEqual(stateIn(whole))
  })
})

describe('a training that begins where another trial ended', () => {
  test('goes on from its weights, optimizer and step, with options of its own, and resumes as any', async () => {
    const first = options({ lr: 0.01, trial: { maxSteps: 1 } })
    await trained(first)
    const beginning: Change = { lr: 0.002, trial: { seed: 2, from: first.trial.dir, maxSteps: 3 } }
    const whole = options(beginning)
    const reports: number[] = []
    for await (const { steps } of trainModel(whole)) reports.push(steps)
    expect(reports).toEqual([8, 12, 16])
    const stopped = options(beginning)
    await trained(stopped, 2)
    const { steps } = await trained(goingOn(stopped, 2))
    expect(steps).toBe(16)
    expect(stateIn(stopped)).toEqual(stateIn(whole))
    expect(stateIn(whole).state.step).toBe(16)
  })

  test('is the one training to the bit, where nothing else changes', async () => {
    const still = { schedule: { kind: 'constant' }, sampling: {} } as const
    const whole = options({ ...still, trial: { maxSteps: 2 } })
    await trained(whole)
    const first = options({ ...still, trial: { maxSteps: 1 } })
    await trained(first)
    const second = options({ ...still, trial: { maxSteps: 1, from: first.trial.dir } })
    await trained(second)
    expect(stateIn(second)).toEqual(stateIn(whole))
  })

  test('refuses the end of another network', async () => {
    const first = options({ trial: { maxSteps: 1 } })
    await trained(first)
    const other = { ...small, backbone: { ...small.backbone, widths: [8, 16, 24] } }
    await expect(trained(options({ model: other, trial: { from: first.trial.dir } }))).rejects.toMatchObject({
      code: 'checkpoint/invalid',
      message: expect.stringContaining('the checkpoint of another model'),
    })
  })
})

test('a checkpoint is saved and read before the first step, so that a disk that loses it costs nothing', async () => {
  const how = options({ trial: { dir: '/dev/null' } })
  await expect(trained(how)).rejects.toThrow(/\/dev\/null/)
})

test('the same training gives the same network whatever runs beside it (M7)', async () => {
  const alone = options({ trial: { maxSteps: 2 } })
  await trained(alone)
  const beside = options({ trial: { maxSteps: 2 } })
  const other = options({ trial: { maxSteps: 2, seed: 9 } })
  await Promise.all([trained(other), trained(beside)])
  expect(stateIn(beside)).toEqual(stateIn(alone))
  expect(stateIn(other)).not.toEqual(stateIn(alone))
})

test('a phase freezes a part from its step on, running statistics included, and changes the losses (M3)', async () => {
  const phases = [{ after: 0.5, freeze: ['backbone'], weights: { semantic: 1 } }]
  const how = options({ phases, checkpoints: 'every', weightDecay: 0.1 })
  const seen: { readonly terms: string[]; readonly state: ReturnType<typeof openCheckpoint> }[] = []
  for await (const { losses } of trainModel(how)) {
    seen.push({ terms: Object.keys(losses.losses), state: openCheckpoint(checkpointFile(how.trial.dir)) })
  }
  expect(seen.map(({ terms }) => terms.length)).toEqual([3, 3, 1, 1])
  const [, half, , end] = seen
  const changed = { backbone: new Set<boolean>(), semantic: new Set<boolean>() }
  for (const kept of ['parameters', 'buffers'] as const) {
    let at = 0
    for (const { name, shape } of half!.state.network[kept]) {
      const [from, part] = [at, name.split('.')[0]!]
      at += shape.reduce((product, length) => product * length, 1)
      const [before, after] = [half!, end!].map(({ state: { state } }) => {
        return (kept === 'parameters' ? state.weights : state.buffers).slice(from, at)
      })
      const isSame = after!.every((value, n) => Object.is(value, before![n]))
      if (part === 'backbone' || part === 'semantic') changed[part].add(!isSame)
    }
  }
  expect(changed).toEqual({ backbone: new Set([false]), semantic: new Set([true]) })
})

test('a warm start takes all but the ignored heads, and says so', async () => {
  const first = options()
  await trained(first)
  const file = checkpointFile(first.trial.dir)
  const { loaded } = await trained(options({ from: { file, ignore: ['semantic'] }, trial: { maxSteps: 1 } }))
  expect(loaded).toMatchObject({ missing: [], misshapen: [], unexpected: [], share: 1 })
  expect(loaded!.ignored.every((name) => name.startsWith('semantic.'))).toBe(true)
  expect(loaded!.matched).toContain('backbone.stage1.weight')

  const other = { ...small, backbone: { ...small.backbone, widths: [8, 16, 24] } }
  await expect(trained(options({ model: other, from: { file } }))).rejects.toMatchObject({ code: 'checkpoint/invalid' })
})

test('a network follows its teacher without a label', async () => {
  const teacher = options({ every: 60, trial: { maxSteps: 1 } })
  await trained(teacher)
  const file = checkpointFile(teacher.trial.dir)
  const truth = await classesOf(teacher.trial.dir)
  const distilled = options({ teacher: file, weights: { distillation: 1 }, every: 60, trial: { maxSteps: 1, seed: 2 } })
  await trained(distilled)
  const untaught = options({ weights: { distillation: 1 }, teacher: file, every: 1, trial: { maxSteps: 1, seed: 2 } })
  await trained(untaught)
  const agreement = async (dir: string) => {
    const classes = await classesOf(dir)
    return classes.filter((value, i) => value === truth[i]).length / truth.length
  }
  expect(await agreement(distilled.trial.dir)).toBeGreaterThan(1.5 * (await agreement(untaught.trial.dir)))
})

/** What a trial's network takes each pixel of the set for. */
async function classesOf(dir: string): Promise<readonly number[]> {
  const { model, network, state } = openCheckpoint(checkpointFile(dir))
  const { device } = options().trial
  const trainer = await openTrainer({ model, batchSize: 1, height: 32, width: 32, device, seed: 1, start: { network, state } }) // prettier-ignore
  const scorer = openScorer(trainer, () => ({}))
  const outputs = await scorer.outputs(set)
  await scorer.close()
  await trainer.close()
  return outputs.flatMap(({ semantic }) => [...semantic])
}

test('the terms of the loss are told with their shares of gradient and of pixels', async () => {
  for await (const model of trainModel(options({ trial: { maxSteps: 1 } }))) {
    const terms = await model.terms()
    expect(terms['center_weighted']).toBeCloseTo(20 * terms['center_loss']!, 5)
    expect(terms['semantic_gradient']! + terms['center_gradient']! + terms['offset_gradient']!).toBeCloseTo(100, 4)
    expect(terms['semantic_pixels']).toBeCloseTo(20, 0)
    expect(terms['offset_pixels']).toBeGreaterThan(0)
    expect(terms['offset_pixels']).toBeLessThan(100)
  }
})

test('a training that was stopped early leaves no network that could be taken for a trained one', async () => {
  const how = options()
  await trained(how, 1)
  expect(existsSync(checkpointFile(how.trial.dir))).toBe(false)
})

test('terms are told of a network that drops out, too, with what it drops in that step', async () => {
  const model = { ...small, neck: { name: 'aspp', dropout: 0.5 } } as const
  for await (const each of trainModel(options({ model, trial: { maxSteps: 1 } }))) {
    const terms = await each.terms()
    expect(terms['semantic_loss']).toBeGreaterThan(0)
    expect(await each.terms()).toEqual(terms)
  }
})

test('a trial waits for its batches for a part of its time', async () => {
  const { waiting } = await trained(options({ trial: { maxSteps: 1 } }))
  expect(waiting).toBeGreaterThan(0)
  expect(waiting).toBeLessThan(1)
})

test.each([
  ['phases out of order', { phases: [{ after: 0.5 }, { after: 0.25 }] }, /phase 2 begins after 0.25/],
  ['a loss that the network cannot have', { model: { name: 'semantic_fpn' } }, /'center' has a weight/],
  ['an unknown optimizer', { optimizer: 'adamm' as 'adam' }, /unknown optimizer "adamm"/],
  ['a crop that is no multiple of the stride', { crop: 36 }, /multiples of 8/],
] satisfies [string, Change, RegExp][])('refuses %s before the first step', async (_, change, message) => {
  await expect(trained(options(change))).rejects.toThrow(message)
})

test('a checkpoint names the classes, so that its file is enough to use the network', async () => {
  const how = options({ trial: { maxSteps: 1 } })
  await trained(how)
  const { about, model } = openCheckpoint(checkpointFile(how.trial.dir))
  expect(about.categories).toEqual(set.categories)
  expect(about.imageSize).toEqual([64, 64])
  expect(model.classes).toBe(set.categories.length)
  expect(readFileSync(checkpointFile(how.trial.dir)).length).toBeGreaterThan(1000)
})
