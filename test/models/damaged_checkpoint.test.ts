import { readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import type { ImageSet } from '../../src/data/image_set.ts'
import { openShapes } from '../../src/data/shapes.ts'
import { trainModel } from '../../src/models/train.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const cacheDir = sharedTemporaryDir()
let set: ImageSet

beforeAll(async () => {
  set = await openShapes({ cacheDir, split: 'val', size: 32, train: 1, val: 4, heldout: 1 })
})

/** The losses of a training's reports from one on, as far as another. */
async function losses(dir: string, reported = 0, until = 4): Promise<readonly number[]> {
  const device = { kind: 'cpu', index: 0, threads: 1 } as const
  const trial = { seed: 1, device, signal: new AbortController().signal, maxSteps: 4, dir, reported }
  const all: number[] = []
  for await (const { losses } of trainModel({ trial, set, crop: 32, batch: 2, every: 1 })) {
    all.push(losses.total)
    if (reported + all.length === until) break
  }
  return all
}

test.each([
  [1, 'the one before'],
  [2, 'the beginning'],
])('a training whose newest %i checkpoints are cut in half goes on from %s, to the same end', async (cut) => {
  const whole = await losses(temporaryDir())
  const dir = temporaryDir()
  await losses(dir, 0, 3)
  const files = readdirSync(join(dir, 'checkpoint')).toSorted().toReversed()
  expect(files).toEqual(['3.safetensors', '2.safetensors'])
  for (const name of files.slice(0, cut)) {
    const file = join(dir, 'checkpoint', name)
    truncateSync(file, readFileSync(file).length >> 1)
  }
  const said = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  expect(await losses(dir, 3)).toEqual(whole.slice(3))
  expect(said.mock.calls.flat()).toHaveLength(cut)
  expect(said.mock.calls.flat().join()).toMatch(
    /3\.safetensors.*: the trial goes on from what it kept before, or begins anew/,
  )
  said.mockRestore()
})
