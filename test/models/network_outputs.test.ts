import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scaledDecoding } from '../../src/models/decode.ts'
import { readHeads } from '../../src/models/heads_file.ts'
import { networkOutputs } from '../../src/models/network_outputs.ts'
import { openPostprocessing } from '../../src/models/postprocessing.ts'
import { headsFile, trainModel } from '../../src/models/train.ts'
import { drawnSet, rectangles } from '../data/drawn_set.ts'
import { temporaryDir } from '../temporary.ts'

const side = 32
const weights = { semantic: 1, center: 200, offset: 0.01 }
const branch = { channels: 8, head: 8 }
const network = {
  crop: side,
  batch: 2,
  weights,
  model: {
    name: 'panoptic_deeplab',
    backbone: { name: 'plain', widths: [8, 8] },
    semantic: branch,
    instance: branch,
  },
} as const
const cpu = { kind: 'cpu', index: 0, threads: 1 } as const
const [train, val, heldOut] = [0, 6, 12].map((shift) => {
  const boxes = [{ y: 4 + shift, x: 5, height: 9, width: 10 }]
  const segments = [
    { category: 0, isCrowd: false },
    { category: 1, isCrowd: false },
  ]
  const set = drawnSet([{ height: side, width: side, segments, labelAt: (y, x) => 1 + rectangles(boxes)(y, x) }])
  return { ...set, id: `${shift}`.padEnd(64, 'a') }
}) as [ReturnType<typeof drawnSet>, ReturnType<typeof drawnSet>, ReturnType<typeof drawnSet>]

test('a network is trained once; its outputs are read again, and made again where a file is damaged', async () => {
  const cacheDir = temporaryDir()
  const said: string[] = []
  const open = () =>
    networkOutputs({ train, val, heldOut }, { ...network, steps: 3, device: cpu }, { cacheDir, progress: (text) => said.push(text) }) // prettier-ignore
  const first = await open()
  expect(said).toEqual([expect.stringMatching(/training one network for 3 steps/)])
  expect(await open()).toEqual(first)
  expect(said).toHaveLength(1)
  const files = readdirSync(cacheDir)
  expect(files).toHaveLength(2)
  truncateSync(join(cacheDir, files[1]!), 200)
  expect(await open()).toEqual(first)
  expect(said).toHaveLength(2)
})

test('the outputs that a trial keeps give the score that its network was given', async () => {
  const dir = temporaryDir()
  const trial = { seed: 3, device: cpu, signal: new AbortController().signal, maxSteps: 1, dir }
  for await (const model of trainModel({ ...network, trial, set: train, every: 20 })) {
    const scores = await model.score(val)
    await model.outputs(val, 'val')
    const scorer = openPostprocessing(val, readHeads(headsFile(dir, 'val'), val)!)
    // An instance here has 90 pixels.
    expect(scorer.score((height, width) => scaledDecoding(height, width, Math.sqrt(90)))).toEqual(scores)
  }
})
