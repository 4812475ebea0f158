import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { openSession } from '../../src/models/engines/open.ts'
import { floats } from '../../src/models/engines/session.ts'
import { sizeOf, type Graph } from '../../src/models/graph/graph.ts'
import { parseLosses, type LossOptions } from '../../src/models/losses/options.ts'
import { gradientGraph, type StepShape } from '../../src/models/train_step.ts'
import { initialWeights } from '../../src/models/weights.ts'
import { buildModel, type ModelOptions } from '../../src/models/zoo.ts'
import { noiseBatch } from './batches.ts'
import { cpu, normals, relativeError, uniforms } from './graph/gradient_error.ts'
import { interpret } from './graph/interpreter.ts'
import { networkOf } from './networks.ts'

const branch = { channels: 4, lowLevel: 4, head: 4 }
const tiny: ModelOptions = {
  name: 'panoptic_deeplab',
  backbone: { name: 'plain', widths: [4, 4, 4] },
  norm: { name: 'group', groups: 2 },
  semantic: branch,
  instance: branch,
}

test.each<[string, number, ModelOptions, LossOptions]>([
  ['with the hardest pixels', 8, tiny, { semantic: { kind: 'cross_entropy', hardPixels: 0.2 } }],
  ['with all pixels', 8, tiny, { semantic: { kind: 'cross_entropy', hardPixels: 1 } }],
  ['with losses at every pixel', 8, tiny, { stride: 1 }],
  ['with a branch told of the other, batch statistics and dropout', 16, { ...tiny, norm: { name: 'batch' }, neck: { name: 'aspp', channels: 4, rates: [1], dropout: 0.3 }, split: 'neck', instance: { ...branch, embed: 4 } }, {}], // prettier-ignore
])('the gradient of the whole network %s is that of finite differences', async (_, side, options, losses) => {
  const graph = gradientGraph(stepShape(options, side, losses))
  const { size: _size, ...batch } = noiseBatch(2, side, 3, losses.stride ?? 4)
  const factors = { semanticFactor: Float32Array.of(1), centerFactor: Float32Array.of(20), offsetFactor: Float32Array.of(0.1) } // prettier-ignore
  const noise = Object.fromEntries(graph.noise.map(({ name, shape }) => [name, uniforms(sizeOf(shape), name)]))
  const buffers = new Float32Array(graph.buffers.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).fill(1)
  const fed = { ...batch, ...factors, ...noise, buffers }
  const weights = normals(weightCount(graph), 'weights').map((x) => x / 2)
  const gradient = interpret(graph, { ...fed, weights }, 'gradient')

  // Every parameter tensor at one place, and all of them together in a random direction.
  const step = 1e-6
  const total = (at: Float64Array) => interpret(graph, { ...fed, weights: at }, 'total')[0]!
  const slope = (direction: Float64Array) => {
    const moved = (by: number) => total(direction.map((d, i) => weights[i]! + by * d))
    return (moved(step) - moved(-step)) / (2 * step)
  }
  const places = firstPlaces(graph)
  const found = places.map((place) => gradient[place]!)
  const slopes = places.map((place) => slope(new Float64Array(weights.length).with(place, 1)))
  expect(relativeError(found, slopes)).toBeLessThan(1e-5)
  const direction = Float64Array.from(normals(weights.length, 'direction'))
  const along = direction.reduce((sum, d, i) => sum + d * gradient[i]!, 0)
  expect(along / slope(direction)).toBeCloseTo(1, 4)

  const session = await openSession(graph, cpu)
  const results = await session.run({ ...fed, weights })
  await session.close()
  expect(relativeError(floats(results, 'gradient'), gradient)).toBeLessThan(1e-4)
})

test('the default network has 142,523 parameters, in the order of its layers', () => {
  const { graph } = networkOf(buildModel({ name: 'panoptic_deeplab' }, 8), 1, 32, 32)
  expect(weightCount(graph)).toBe(142_523)
  expect(graph.parameters.map(({ name }) => name).filter((name) => name.endsWith('.weight'))).toEqual([
    'backbone.stage1.weight',
    'backbone.stage2.weight',
    'backbone.stage3.weight',
    'backbone.stage4.weight',
    'decoder.lateral1.weight',
    'decoder.lateral2.weight',
    'decoder.lateral3.weight',
    'decoder.output.weight',
    'semantic.hidden.weight',
    'semantic.predictor.weight',
    'center.hidden.weight',
    'center.predictor.weight',
    'offset.hidden.weight',
    'offset.predictor.weight',
  ])
})

test('the same seed draws the weights of the default network that its studies were calibrated with', () => {
  const { graph } = networkOf(buildModel({ name: 'panoptic_deeplab' }, 8), 1, 32, 32)
  expect(createHash('sha256').update(initialWeights(graph, 5)).digest('hex')).toMatch(/^6e3b3b92c7b12d769255ecb6/)
})

test("predictors, and with small initial weights the necks' and heads' convolutions, start near 0", () => {
  const deviations = (init: 'he' | 'small') => {
    const { graph } = networkOf(buildModel({ name: 'panoptic_deeplab', init }, 8), 1, 32, 32)
    return new Map(graph.parameters.map(({ name, init }) => [name, init.kind === 'normal' ? init.deviation : 0]))
  }
  expect(deviations('he').get('center.predictor.weight')).toBe(0.001)
  expect(deviations('he').get('decoder.output.weight')).toBeCloseTo(Math.sqrt(2 / (9 * 32)))
  expect(deviations('small').get('decoder.output.weight')).toBe(0.001)
  expect(deviations('small').get('center.hidden.weight')).toBe(0.001)
  expect(deviations('small').get('backbone.stage1.weight')).toBeCloseTo(Math.sqrt(2 / (9 * 3)))
})

test('images of a size that the network cannot halve are refused with their shape', () => {
  const shape = { ...stepShape({ name: 'panoptic_deeplab' }, 64), size: 4, width: 60 }
  expect(() => gradientGraph(shape)).toThrow(/multiples of 16 pixels.*\[4, 3, 64, 60\]/)
})

function stepShape(options: ModelOptions, side: number, losses: LossOptions = {}): StepShape {
  return {
    model: buildModel(options, 3, [1, 2]),
    size: 2,
    height: side,
    width: side,
    losses: parseLosses(losses, 3),
    weights: { semantic: 1, center: 20, offset: 0.1 },
    frozen: [],
  }
}

function weightCount(graph: Graph): number {
  return graph.parameters.reduce((count, { shape }) => count + sizeOf(shape), 0)
}

function firstPlaces(graph: Graph): number[] {
  let end = 0
  return graph.parameters.map(({ shape }) => (end += sizeOf(shape)) - sizeOf(shape))
}
