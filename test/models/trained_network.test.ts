import { readdirSync, truncateSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openShapes } from '../../src/data/shapes.ts'
import { openCheckpoint } from '../../src/models/starts.ts'
import { trainedNetwork, type NetworkOptions } from '../../src/models/trained_network.ts'
import { sharedTemporaryDir, temporaryDir } from '../temporary.ts'

const shapesDir = sharedTemporaryDir()
const openSet = () => openShapes({ cacheDir: shapesDir, split: 'train', size: 32, train: 4, val: 1, heldout: 1 })
const device = { kind: 'cpu', index: 0, threads: 1 } as const

test('a shared network is trained once for the same options, and again where its file is damaged', async () => {
  const [set, cacheDir] = [await openSet(), temporaryDir()]
  const said: string[] = []
  const trained = (options: NetworkOptions = {}) =>
    trainedNetwork(set, { crop: 32, batch: 2, steps: 3, device, ...options }, { cacheDir, progress: (text) => said.push(text) }) // prettier-ignore
  const file = await trained()
  const { step, weights } = openCheckpoint(file).state
  expect(step).toBe(3)
  expect(await trained()).toBe(file)
  expect(said).toEqual([expect.stringMatching(/training a network for 3 steps/)])

  truncateSync(file, 1000)
  expect(await trained()).toBe(file)
  expect(openCheckpoint(file).state.weights).toEqual(weights)

  expect(await trained({ seed: 1 })).not.toBe(file)
  expect(said).toHaveLength(3)
  expect(readdirSync(cacheDir)).toHaveLength(2)
})

test('a network that starts from another one is another network where that one was trained otherwise', async () => {
  const [set, context] = [await openSet(), { cacheDir: temporaryDir(), progress: () => {} }]
  const second = async (lr: number) => {
    const first = await trainedNetwork(set, { crop: 32, batch: 2, steps: 1, device, lr }, context)
    return trainedNetwork(set, { crop: 32, batch: 2, steps: 1, device, from: { file: first } }, context)
  }
  expect(await second(1e-3)).not.toBe(await second(2e-3))
})
