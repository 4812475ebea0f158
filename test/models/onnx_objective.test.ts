import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { shapesDir } from '../../src/data/shapes.ts'
import { openImageSet } from '../../src/data/open.ts'
import { loadCounts } from '../../src/eval/counts_file.ts'
import { exportOnnx } from '../../src/models/export_onnx.ts'
import { exportedOutputs, readExported } from '../../src/models/exported_model.ts'
import { readMetadata } from '../../src/models/graph/onnx_metadata.ts'
import { onnxFile } from '../../src/models/graph/onnx_file.ts'
import { newGraph } from '../../src/models/graph/graph.ts'
import { onnx, type PreparedModel } from '../../src/models/onnx_objective.ts'
import type { DecodeOptions } from '../../src/models/decode.ts'
import type { Scores } from '../../src/models/score.ts'
import { countsFile, trainModel } from '../../src/models/train.ts'
import { checkpointFile } from '../../src/results.ts'
import { maximize, type PrepareContext } from '../../src/study.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const cacheDir = sharedTemporaryDir()
const model = join(cacheDir, 'model.onnx')
const cpu = { kind: 'cpu', index: 0, threads: 1 } as const
const signal = new AbortController().signal
let data: string
let smaller: string
let scored: Scores
let scoredSmaller: Scores

beforeAll(async () => {
  data = await shapesDir({ cacheDir, size: 64, train: 4, val: 6, heldout: 1 })
  smaller = await shapesDir({ cacheDir, size: 48, train: 1, val: 6, heldout: 1 })
  const dir = sharedDir
  const open = (dir: string) => openImageSet({ dir, split: 'val', cacheDir })
  const [set, smallerSet] = [await open(data), await open(smaller)]
  const trial = { seed: 1, device: cpu, signal, maxSteps: 1, dir }
  const options = { weights: { semantic: 1, center: 20, offset: 0.1 }, every: 60 }
  for await (const trained of trainModel({ trial, set, ...options })) {
    scored = await trained.score(set)
    scoredSmaller = await trained.score(smallerSet, 'smaller')
  }
  writeFileSync(model, (await exportOnnx(checkpointFile(dir), { batch: 4 })).file)
}, 60_000)
const sharedDir = sharedTemporaryDir()

const objective = onnx(
  (source: { model: string; data: string }) => source,
  (params: DecodeOptions) => params,
)

async function prepared(source: { model: string; data: string }, progress: string[] = []): Promise<PreparedModel> {
  const context: PrepareContext<typeof source> = {
    settings: source,
    cacheDir,
    progress: (message) => progress.push(message),
    bestOf: () => '',
  }
  return (await objective.prepare?.(context as never)) as PreparedModel
}

async function scoresOf(params: DecodeOptions, data: PreparedModel, dir = temporaryDir()): Promise<Scores> {
  const context = { number: 0, goals: [maximize('pq')], seed: 0, device: cpu, signal, maxSteps: 1, reported: 0 }
  for await (const scores of objective(params, { ...context, dir, settings: { model, data: '' }, data })) return scores
  throw new Error('it gave no report')
}

describe('an exported model whose post-processing is searched', () => {
  test('scores what it scored in training where nothing is changed, and sees each image once', async () => {
    const progress: string[] = []
    const dir = temporaryDir()
    const known = await scoresOf({}, await prepared({ model, data }, progress), dir)
    expect(known.pq).toBeCloseTo(scored.pq, 0)
    expect(loadCounts(countsFile(dir, 'val')).imageIds).toHaveLength(6)
    expect(progress).toEqual([`showing 6 images to ${model}; what it says is kept for the next run`])
    expect(await scoresOf({}, await prepared({ model, data }, progress))).toEqual(known)
    expect(progress).toHaveLength(1)
  })

  test('scores otherwise where a param says so', async () => {
    const least = await scoresOf({ threshold: 1e9 }, await prepared({ model, data })) // no centre at all
    expect(least.pq_things).toBe(0)
    expect(least.pq_stuff).toBeGreaterThan(0)
  })

  test('says of an image alone what it says of it among others', async () => {
    const set = await openImageSet({ dir: data, split: 'val', cacheDir })
    const exported = readExported(model)
    const context = { cacheDir: temporaryDir(), progress: () => undefined }
    const whole = await exportedOutputs(exported, set, context)
    const last = { ...set, id: 'the last alone', scenes: set.scenes.slice(-1) }
    expect(await exportedOutputs(exported, last, context)).toEqual(whole.slice(-1))
  })

  test('scores smaller images nearly as training does, which pads them to another size', async () => {
    const small = await scoresOf({}, await prepared({ model, data: smaller }))
    expect(Math.abs(small.sq - scoredSmaller.sq)).toBeLessThan(3)
  })

  test('is refused by name where it cannot be scored', async () => {
    const dir = temporaryDir()
    const other = join(dir, 'other.onnx')
    await expect(prepared({ model: join(dir, 'none.onnx'), data })).rejects.toMatchObject({ code: 'data/missing' })
    writeFileSync(other, onnxFile(newGraph()))
    await expect(prepared({ model: other, data })).rejects.toMatchObject({
      code: 'model/invalid',
      message: `${other}: its metadata have no categories and no postprocessing`,
    })
    const { categories = '', ...rest } = readMetadata(readExported(model).bytes)
    writeFileSync(other, onnxFile(newGraph(), { ...rest, categories: categories.replace('disc', 'ball') }))
    await expect(prepared({ model: other, data })).rejects.toMatchObject({
      code: 'data/invalid',
      message: `the categories of the images are not those of ${other}: 1 disc thing against 1 ball thing`,
    })
    writeFileSync(other, onnxFile(newGraph(), { ...rest, categories }))
    await expect(prepared({ model: other, data })).rejects.toMatchObject({ code: 'model/invalid' })
    const large = await shapesDir({ cacheDir, size: 96, train: 1, val: 1, heldout: 1 })
    await expect(prepared({ model, data: large })).rejects.toMatchObject({
      code: 'data/invalid',
      message: `an image has 96x96 pixels, ${model} takes 64x64`,
    })
  })
})

test('metadata of damaged files are read as far as they go, and never for ever', () => {
  const file = readExported(model).bytes
  for (let length = 0; length < file.length; length += Math.ceil(file.length / 50)) {
    expect(Object.keys(readMetadata(file.subarray(0, length))).length).toBeLessThan(10)
  }
  expect(readMetadata(Uint8Array.of(0x72, 0xff, 0xff, 0xff, 0xff, 0xff))).toEqual({ '': '' })
})
