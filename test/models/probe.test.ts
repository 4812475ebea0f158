import { beforeAll, expect, test } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openShapes } from '../../src/data/shapes.ts'
import {
  type MeasuredReport,
  median,
  newProbe,
  projectedSeconds,
  runsAfter,
  underProbe,
} from '../../src/models/probe.ts'
import { trainModel } from '../../src/models/train.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const EVERY = 40
const REPORTS = 5
const cacheDir = sharedTemporaryDir()
let set: ImageSet
let val: ImageSet

beforeAll(async () => {
  const open = (split: 'train' | 'val') => openShapes({ cacheDir, split, size: 32, train: 8, val: 48, heldout: 1 })
  set = await open('train')
  val = await open('val')
})

/** As the objectives of studies do: scores more with its last report. */
async function* objective(
  options: { readonly phases?: readonly { after: number; weights: { semantic: number } }[] } = {},
) {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  const trial = { seed: 1, device, signal: new AbortController().signal, maxSteps: REPORTS, dir: temporaryDir() }
  for await (const model of trainModel({ trial, set, crop: 32, every: EVERY, ...options })) {
    await model.score(val)
    if (model.isLast) await model.score(set, 'train')
    yield { steps: model.steps, terms: Object.keys(model.losses.losses).length }
  }
}

/** Reads an objective under a probe, by a clock in seconds. */
async function measure(reports: AsyncGenerator<{ readonly terms: number }, void>, now: () => number) {
  const probe = newProbe({ now })
  const measured: (MeasuredReport & { readonly terms: number })[] = []
  for (;;) {
    const start = now()
    const { done, value } = await underProbe(probe, () => reports.next())
    if (done === true) return measured
    measured.push({ ...probe.take(), seconds: now() - start, terms: value.terms })
  }
}

/** CPU seconds of this process: other work on the machine does not count. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

test('of a training under a probe the first two reports and the last are made, and all else is left out and counted', async () => {
  const measured = await measure(objective(), () => performance.now() / 1000)
  expect(measured.map(({ reportsLeftOut }) => reportsLeftOut)).toEqual([0, 0, REPORTS - 3])
  expect(measured.map(({ stepsLeftOut }) => Math.round(stepsLeftOut))).toEqual([EVERY - 13, EVERY - 13, EVERY - 13])
  for (const { iterations } of measured) expect(iterations).toHaveLength(10)
  expect(measured.map(({ scorings }) => scorings.map(({ images }) => images))).toEqual([[48], [48], [48, 8]])
  expect(measured[2]!.scorings[1]!.secondsLeftOut).toBe(0)
  expect(measured.flatMap(({ trainings }) => trainings)).toEqual([
    {
      network: 'panoptic_deeplab',
      parameters: expect.any(Number),
      macs: expect.any(Number),
      activationBytes: expect.any(Number),
      batch: 4,
      crop: 32,
      every: EVERY,
    },
  ])
})

test('a training without a probe is whole, also while another is under one', async () => {
  const stepsOf = async () => {
    const steps: number[] = []
    for await (const report of objective()) steps.push(report.steps)
    return steps
  }
  const [steps] = await Promise.all([stepsOf(), measure(objective(), () => 0)])
  expect(steps).toEqual([1, 2, 3, 4, 5].map((report) => report * EVERY))
})

test('what a probe says that a training takes is about what it takes, however busy the machine', async () => {
  const projected: number[] = []
  const real: number[] = []
  // The first round takes memory and compiles.
  for (let round = 0; round < 3; round++) {
    const seconds = projectedSeconds(await measure(objective(), cpuSeconds))
    expect(seconds).toHaveLength(REPORTS)
    projected.push(seconds.reduce((sum, one) => sum + one))
    const start = cpuSeconds()
    for await (const { steps } of objective()) expect(steps % EVERY).toBe(0)
    real.push(cpuSeconds() - start)
  }
  const ratio = median(projected.slice(1)) / median(real.slice(1))
  expect(ratio).toBeGreaterThan(0.4)
  expect(ratio).toBeLessThan(2.5)
}, 240_000)

test('phases stay where they are in a training that a probe has shortened', async () => {
  const measured = await measure(objective({ phases: [{ after: 0.5, weights: { semantic: 1 } }] }), cpuSeconds)
  expect(measured.map(({ terms }) => terms)).toEqual([3, 3, 1])
})

test('steps that were left out cost the mean of their own training, and reports what the one before them did', () => {
  const training = { network: 'small', parameters: 1, macs: 1, activationBytes: 1, batch: 1, crop: 16, every: 12 }
  const one = { trainings: [], scorings: [], stepsLeftOut: 10, reportsLeftOut: 0 }
  const measured = [
    { ...one, trainings: [training], seconds: 5, iterations: [1, 1, 4] },
    { ...one, seconds: 6, iterations: [2], scorings: [{ images: 9, seconds: 3, secondsLeftOut: 1.5 }] },
    { ...one, reportsLeftOut: 2, seconds: 7, iterations: [2] },
    { ...one, trainings: [training], seconds: 1, iterations: [0.5] },
  ]
  expect(projectedSeconds(measured)).toEqual([25, 27.5, 27.5, 27.5, 27, 6])
})

test('a report is measured for about a second, of a network that is quick, and never for fewer runs than ten', () => {
  const seen = (...iterations: readonly number[]) => ({ ...newProbe().take(), iterations })
  expect(runsAfter(seen(0.01, 0.5, 0.01))).toBe(100)
  expect(runsAfter(seen(2, 2, 2))).toBe(10)
  expect(runsAfter(seen())).toBe(10)
})
