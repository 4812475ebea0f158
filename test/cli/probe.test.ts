import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { writeShapes } from '../../src/data/shapes.ts'
import { ARCHITECTURES, BACKBONES } from '../../src/models/zoo.ts'
import { sharedTemporaryDir } from '../temporary.ts'
import { ended, mistake, mistakeOf, startTune, tinyStudy, workspace } from './tune.ts'

/** What `tune probe --json` says of a study. */
interface Cost {
  readonly startSeconds: number
  readonly trainings: readonly Readonly<Record<string, unknown>>[]
  readonly scorings: readonly { readonly images: number; readonly seconds: number }[]
  readonly memoryBytes: number
  readonly reportSeconds: readonly number[]
  readonly trialSeconds: number | null
  readonly studySeconds: number | null
  readonly prunedStudySeconds: number | null
}

const scenes = sharedTemporaryDir()

beforeAll(() => writeShapes(scenes, { size: 32, train: 8, val: 8, heldout: 8, seed: 0 }))

/** Trains on tiny scenes; scores more with the last report. */
const trainingStudy = (fields = '') => `
import { asha, defineStudy, loguniform, maximize, openSplits, trainModel } from 'panoptune'
export default defineStudy({
  name: 'trained',
  goal: maximize('pq'),
  settings: { every: 200 },
  space: { lr: loguniform(3e-4, 3e-2) },
  pruner: asha(),
  budget: { trials: 12, steps: 9 },
  prepare: ({ cacheDir }) => openSplits({ data: ${JSON.stringify(scenes)}, cacheDir }),
  async *objective({ lr }, trial) {
    const { train, val, heldOut } = trial.data
    const run = trainModel({ trial, set: train, crop: 32, batch: 2, every: trial.settings.every, lr, ${fields} })
    for await (const model of run) {
      const { pq } = await model.score(val)
      yield model.isLast ? { pq, held_out_pq: (await model.score(heldOut)).pq } : { pq }
    }
  },
})
`

/** Reports so often, and takes 30 ms each time. */
const sleepingStudy = (reports: string, fields: string) =>
  tinyStudy(
    `${fields}, async *objective() { for (let i = 0; i < ${reports}; i++) { await sleep(30); yield { pq: i } } },`,
  )

describe('tune probe', () => {
  test('says what the trials of a study will cost, and keeps nothing of what it tried', async () => {
    const { dir, tune } = workspace({ 'trained.ts': trainingStudy() })
    const { code, stdout } = await tune('probe', '--study', 'trained.ts', '--json', '--set', 'every=500')
    expect(code).toBe(0)
    const cost = JSON.parse(stdout) as Cost
    expect(cost.trainings).toEqual([
      {
        network: 'panoptic_deeplab',
        parameters: expect.any(Number),
        macs: expect.any(Number),
        activationBytes: expect.any(Number),
        batch: 2,
        crop: 32,
        every: 500,
        iterationSeconds: expect.any(Number),
      },
    ])
    expect(cost.scorings.map(({ images }) => images)).toEqual([8, 8, 8, 8])
    expect(cost.memoryBytes).toBeGreaterThan(2 ** 20)
    expect(cost.reportSeconds).toHaveLength(9)
    const [trial = NaN, study = NaN, pruned = NaN] = [cost.trialSeconds, cost.studySeconds, cost.prunedStudySeconds].map(Number) // prettier-ignore
    const step = Number(cost.trainings[0]!['iterationSeconds'])
    expect(trial).toBeGreaterThan(9 * 400 * step)
    expect(trial).toBeCloseTo(
      cost.reportSeconds.reduce((sum, seconds) => sum + seconds),
      6,
    )
    expect(study).toBeGreaterThanOrEqual(trial)
    expect(pruned).toBeLessThan(study)
    expect(existsSync(join(dir, 'results/studies.sqlite'))).toBe(false)
    expect(existsSync(join(dir, 'results/trained'))).toBe(false)
    expect(readdirSync(join(dir, 'results/cache')).filter((name) => name.startsWith('probe'))).toEqual([])
  })

  test('prints it in no more than 60 columns', async () => {
    const { dir } = workspace({ 'trained.ts': trainingStudy() })
    const words = ['probe', '--study', 'trained.ts', '--slots', '1']
    const { stdout } = await ended(startTune(dir, words, { COLUMNS: '60' }))
    const labels = stdout.split('\n').flatMap((line) => /^(\w+) /.exec(line)?.[1] ?? [])
    expect(labels).toEqual(['once', 'network', 'training', 'scoring', 'memory', 'report', 'trial', 'study'])
    expect(stdout).toMatch(/^training +.+ a step of 2 crops of 32x32, 200 steps a\n? +report$/m)
    expect(stdout).toMatch(/for 9 reports$/m)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
  })

  test('of a study that trains nothing with us reads two reports, and takes the rest for alike', async () => {
    const { tune } = workspace({ 'tiny.ts': sleepingStudy('6', 'budget: { trials: 4, steps: 6 }') })
    const { stdout } = await tune('probe', '--study', 'tiny.ts', '--json', '--slots', '2')
    const { trainings, scorings, reportSeconds, trialSeconds, studySeconds, prunedStudySeconds, startSeconds } = JSON.parse(stdout) as Cost // prettier-ignore
    expect({ trainings, scorings, prunedStudySeconds }).toEqual({
      trainings: [],
      scorings: [],
      prunedStudySeconds: null,
    })
    expect(reportSeconds).toHaveLength(6)
    for (const seconds of reportSeconds) expect(seconds).toBeGreaterThan(0.025)
    expect(studySeconds! - startSeconds).toBeCloseTo(2 * trialSeconds!, 6)
  })

  test('takes trials from the command line, and as many reports as a trial ends after', async () => {
    const { tune } = workspace({ 'tiny.ts': sleepingStudy('1', 'budget: { trials: 4, steps: 9 }') })
    const { stdout } = await tune('probe', '--study', 'tiny.ts', '--json', '--slots', '1', '--trials', '10')
    const { reportSeconds, trialSeconds, studySeconds, startSeconds } = JSON.parse(stdout) as Cost
    expect(reportSeconds).toHaveLength(1)
    expect(studySeconds! - startSeconds).toBeCloseTo(10 * trialSeconds!, 6)
  })

  test('says that it cannot know how long a trial is that may report for ever', async () => {
    const { tune } = workspace({ 'tiny.ts': sleepingStudy('Infinity', 'budget: { trials: 4 }') })
    const { stdout } = await tune('probe', '--study', 'tiny.ts')
    expect(stdout).toMatch(/^trial +how many reports it has is not known: give the study budget\.steps$/m)
  })

  test('says when a trial would take longer than it may', async () => {
    const { tune } = workspace({ 'tiny.ts': sleepingStudy('9', 'budget: { trials: 4, steps: 9, trialSeconds: 0.1 }') })
    expect((await tune('probe', '--study', 'tiny.ts')).stdout).toMatch(
      /for 9 reports: more than the 0\.1 s of its budget/,
    )
  })

  test('ends with 130 when it is interrupted, at its next step, and leaves nothing', async () => {
    const { dir } = workspace({ 'endless.ts': sleepingStudy('Infinity', 'budget: { trials: 4, steps: 5 }').replace('sleep(30)', 'sleep(600_000, undefined, { signal })').replace('objective()', 'objective(_, { signal })') }) // prettier-ignore
    const child = startTune(dir, ['probe', '--study', 'endless.ts'])
    const end = ended(child)
    const timer = setInterval(() => existsSync(join(dir, 'results/cache')) && child.kill('SIGINT'), 300)
    const { code, stderr } = await end
    clearInterval(timer)
    expect(stderr).toContain('nothing of it is kept')
    expect(code).toBe(130)
    expect(readdirSync(join(dir, 'results/cache'))).toEqual([])
  })
})

describe('tune probe is refused', () => {
  test('without anything to measure, and with two things', async () => {
    const { tune } = workspace()
    for (const words of [[], ['--study', 'tiny.ts', '--models']]) {
      expect(mistakeOf(await tune('probe', ...words))).toEqual(mistake('usage', /either a study or --models/, /tune probe --study/)) // prettier-ignore
    }
  })

  test('by a model that cannot be built, with the layer that does not fit', async () => {
    const { tune } = workspace({ 'bad.ts': trainingStudy(`model: { name: 'panoptic_deeplab', backbone: { name: 'resnet', depth: 19 } }`) }) // prettier-ignore
    const ran = await tune('probe', '--study', 'bad.ts')
    expect(mistakeOf(ran)).toEqual(mistake('model/invalid', /'backbone\.depth' is 19, must be one of/))
  })

  test('by a baseline that fails, with where its log is', async () => {
    const { dir, tune } = workspace({ 'bad.ts': tinyStudy(`async *objective() { console.log('HERE'); throw new Error('no such file') },`) }) // prettier-ignore
    const { code, message, hint = '' } = mistakeOf(await tune('probe', '--study', 'bad.ts', '--slots', '1'))
    expect({ code, message }).toEqual({ code: 'study/invalid', message: 'tiny: its baseline failed: no such file' })
    expect(existsSync(join(dir, hint.replace('what it printed: ', '')))).toBe(true)
  })

  test('for images that a network cannot halve as often as it does', async () => {
    const ran = await workspace().tune('probe', '--models', '--size', '40x40', '--json')
    expect(mistakeOf(ran)).toEqual(mistake('model/invalid', /multiples of \d+ pixels/, /./))
  })
})

test('tune probe --models measures every backbone, every architecture and the dual decoder, a line of 60 columns each', async () => {
  const { dir } = workspace()
  const words = ['probe', '--models', '--size', '32x32', '--batch', '1']
  const { stdout, stderr } = await ended(startTune(dir, words, { COLUMNS: '60' }))
  const names = [...BACKBONES, ...ARCHITECTURES.slice(1), 'dual decoder']
  expect(stderr).toBe(names.map((name, i) => `${name} (${i + 1} of ${names.length})\n`).join(''))
  const [head = '', ...lines] = stdout.trimEnd().split('\n')
  expect(head.trim().split(/ +/)).toEqual(['weights', 'MACs', 'activ.', 'step', 'image', 'MiB'])
  for (const [i, name] of names.entries()) {
    expect(lines[i]).toMatch(new RegExp(`^${name} +[\\d.]+[kM] +[\\d.]+[kM] +[\\d.]+[kM]B +[\\d.]+ m?s +[\\d.]+ m?s +\\d+$`)) // prettier-ignore
  }
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(60)
  expect(existsSync(join(dir, 'results'))).toBe(false)
}, 240_000)
