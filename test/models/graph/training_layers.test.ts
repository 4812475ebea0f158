import { describe, expect, test } from 'vitest'
import { openSession } from '../../../src/models/engines/open.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { batchNorm } from '../../../src/models/graph/batch_norm.ts'
import { bindFlat } from '../../../src/models/graph/bind.ts'
import { dropout } from '../../../src/models/graph/dropout.ts'
import {
  inLayer,
  input,
  newGraph,
  output,
  parameter,
  type Graph,
  type Purpose,
} from '../../../src/models/graph/graph.ts'
import { cpu, normals, uniforms } from './gradient_error.ts'

/*
 * Layers that do other things in training than in predictions.
 */

const SHAPE = [3, 2, 4, 5]
const PIXELS = 3 * 4 * 5

describe('a batch normalisation', () => {
  test('has an output of zero mean and unit variance in training', async () => {
    const { y } = await normalized({ isTraining: true })
    for (const channel of [0, 1]) {
      const { mean, biased } = momentsOf(y, channel)
      expect(mean).toBeCloseTo(0, 5)
      expect(biased).toBeCloseTo(1, 4)
    }
  })

  test('moves its running statistics as PyTorch does: by the momentum, towards the unbiased variance', async () => {
    const { x, updates } = await normalized({ isTraining: true }, 0.25)
    for (const channel of [0, 1]) {
      const { mean, biased } = momentsOf(x, channel)
      expect(updates['norm.mean']![channel]).toBeCloseTo(0.75 * RUNNING.mean[channel]! + 0.25 * mean, 5)
      const unbiased = (biased * PIXELS) / (PIXELS - 1)
      expect(updates['norm.variance']![channel]).toBeCloseTo(0.75 * RUNNING.variance[channel]! + 0.25 * unbiased, 5)
    }
  })

  test.each([
    ['in predictions', {}],
    ['where it is frozen', { isTraining: true, isFrozen: (layer: string) => layer === 'norm' }],
  ])('takes its running statistics %s, and leaves them', async (_, purpose) => {
    const { x, y, updates } = await normalized(purpose)
    expect(updates).toEqual({})
    for (const [i, value] of x.entries()) {
      const channel = channelOf(i)
      const expected = (value - RUNNING.mean[channel]!) / Math.sqrt(RUNNING.variance[channel]! + 1e-5)
      expect(y[i]).toBeCloseTo(expected, 5)
    }
  })

  test('of a single pixel is refused in training, for it has no variance', () => {
    const build = (purpose: Purpose) => () => {
      const graph = newGraph(purpose)
      inLayer(graph, 'norm', () => norm(graph, [1, 2, 1, 1]))
    }
    expect(build({ isTraining: true })).toThrow(/^norm: .*a single pixel.*\[1, 2, 1, 1\]/)
    expect(build({ isTraining: true })).toThrow(expect.objectContaining({ hint: "choose larger batches or crops, or the norm 'group'" })) // prettier-ignore
    expect(build({})).not.toThrow()
  })
})

describe('dropout', () => {
  const feeds = { x: normals(1000, 'x'), noise_0: uniforms(1000, 'noise') }

  test('zeroes the share that it is told, and keeps the sum in expectation', async () => {
    const { y, x } = await dropped(0.3, { isTraining: true })
    const kept = y.filter((value) => value !== 0)
    expect(kept.length / 1000).toBeCloseTo(0.7, 1)
    for (const [i, value] of y.entries()) expect(value === 0 ? 0 : value / x[i]!).toBeCloseTo(value === 0 ? 0 : 1 / 0.7, 5) // prettier-ignore
  })

  test.each([
    ['in predictions', 0.3, {}],
    ['where it is frozen', 0.3, { isTraining: true, isFrozen: () => true }],
    ['at rate 0', 0, { isTraining: true }],
  ])('does nothing %s, and asks for no noise', async (_, rate, purpose) => {
    const graph = newGraph(purpose)
    const x = input(graph, 'x', 'float32', [10, 100])
    expect(dropout(x, rate)).toBe(x)
    expect(graph.noise).toEqual([])
  })

  test.each([-0.1, 1, Number.NaN])('of rate %d is refused', (rate) => {
    const graph = newGraph({ isTraining: true })
    expect(() => inLayer(graph, 'aspp', () => dropout(input(graph, 'x', 'float32', [2]), rate))).toThrow(
      /^aspp: .*rate/,
    )
  })

  async function dropped(rate: number, purpose: Purpose) {
    const graph = newGraph(purpose)
    output('y', dropout(input(graph, 'x', 'float32', [10, 100]), rate))
    const session = await openSession(graph, cpu)
    const results = await session.run(feeds)
    await session.close()
    return { x: feeds.x, y: floats(results, 'y') }
  }
})

const RUNNING = { mean: [0.5, -1], variance: [2, 0.25] }

/** A normalisation of N(0, 1), scaled by 1 and shifted by 0. */
async function normalized(purpose: Purpose, momentum?: number) {
  const graph = newGraph(purpose)
  inLayer(graph, 'norm', () => output('y', norm(graph, SHAPE, momentum)))
  for (const [name, value] of graph.updates) output(name.replace('norm.', 'new_'), value)
  bindFlat(graph, 'weights')
  bindFlat(graph, 'buffers', 'buffers')
  const x = normals(2 * PIXELS, 'x')
  const session = await openSession(graph, cpu)
  const buffers = Float32Array.from([...RUNNING.mean, ...RUNNING.variance])
  const results = await session.run({ x, weights: Float32Array.of(1, 1, 0, 0), buffers })
  await session.close()
  const updates = [...graph.updates.keys()].map(
    (name) => [name, floats(results, name.replace('norm.', 'new_'))] as const,
  )
  return { x, y: floats(results, 'y'), updates: Object.fromEntries(updates) }
}

function norm(graph: Graph, shape: readonly number[], momentum = 0.1) {
  const of = (name: string, value: number) => parameter(graph, name, [2], { kind: 'constant', value })
  return batchNorm(input(graph, 'x', 'float32', shape), of('scale', 1), of('shift', 0), { momentum })
}

function channelOf(i: number): number {
  return Math.floor(i / 20) % 2
}

function momentsOf(values: Float32Array, channel: number): { readonly mean: number; readonly biased: number } {
  const own = [...values].filter((_, i) => channelOf(i) === channel)
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length
  return { mean, biased: own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length }
}
