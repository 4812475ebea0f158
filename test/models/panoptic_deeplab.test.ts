import { expect, test } from 'vitest'
import { openSession } from '../../src/models/engines/open.ts'
import { floats } from '../../src/models/engines/session.ts'
import { sizeOf, type Graph } from '../../src/models/graph/graph.ts'
import { panopticDeepLab } from '../../src/models/panoptic_deeplab.ts'
import { gradientGraph, trainStepGraph } from '../../src/models/train_step.ts'
import { noiseBatch } from './batches.ts'
import { cpu, normals, relativeError } from './graph/gradient_error.ts'
import { interpret } from './graph/interpreter.ts'

const tiny = { classes: 3, widths: [4, 4, 4], decoder: 4, head: 4, normGroups: 2 }

test.each([
  { hardPixels: 0.2, lossStride: 4 },
  { hardPixels: 1, lossStride: 4 },
  { hardPixels: 0.2, lossStride: 1 },
] as const)('the gradient of the whole network is that of finite differences: %o', async (options) => {
  const graph = gradientGraph(panopticDeepLab({ ...tiny, ...options }), 2, 8, 8)
  const { size: _, ...batch } = noiseBatch(2, 8, 3, options.lossStride)
  const factors = { semanticFactor: [1], centerFactor: [20], offsetFactor: [0.1] }
  const weights = normals(weightCount(graph), 'weights').map((x) => x / 2)
  const gradient = interpret(graph, { ...batch, ...factors, weights }, 'gradient')

  // Every parameter tensor at one place, and all of them together in a random direction.
  const step = 1e-6
  const total = (at: Float64Array) => interpret(graph, { ...batch, ...factors, weights: at }, 'total')[0]!
  const slope = (direction: Float64Array) => {
    const moved = (by: number) => total(direction.map((d, i) => weights[i]! + by * d))
    return (moved(step) - moved(-step)) / (2 * step)
  }
  const places = firstPlaces(graph)
  const slopes = places.map((place) => slope(new Float64Array(weights.length).with(place, 1)))
  expect(
    relativeError(
      places.map((place) => gradient[place]!),
      slopes,
    ),
  ).toBeLessThan(1e-5)
  const direction = Float64Array.from(normals(weights.length, 'direction'))
  const along = direction.reduce((sum, d, i) => sum + d * gradient[i]!, 0)
  expect(along).toBeCloseTo(slope(direction), 4)

  const session = await openSession(graph, cpu)
  const results = await session.run({
    ...batch,
    ...Object.fromEntries(Object.entries(factors).map(([name, value]) => [name, Float32Array.from(value)])),
    weights,
  })
  await session.close()
  expect(relativeError(floats(results, 'gradient'), gradient)).toBeLessThan(1e-4)
})

test('the default network has 142,523 parameters, in the order of its layers', () => {
  const graph = trainStepGraph(panopticDeepLab({ classes: 8 }), 1, 32, 32)
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

test('an option that is not known is refused with the nearest known one', () => {
  const misspelt = { classes: 8, decodr: 64 }
  expect(() => panopticDeepLab(misspelt)).toThrow(
    expect.objectContaining({ code: 'model/invalid', message: expect.stringMatching(/'decodr'/), hint: "did you mean 'decoder'?" }), // prettier-ignore
  )
})

test.each([
  [{ classes: 0 }, /'classes' is 0/],
  [{ classes: 8, widths: [16] }, /'widths' is \[16\]/],
  [{ classes: 8, normGroups: 5 }, /'normGroups' is 5.*divides all of 16, 32/],
  [{ classes: 8, hardPixels: 1.5 }, /'hardPixels' is 1.5/],
])('a value that no network can have is refused: %o', (config, message) => {
  expect(() => panopticDeepLab(config)).toThrow(message)
})

test('images of a size that the network cannot halve are refused with their shape', () => {
  expect(() => trainStepGraph(panopticDeepLab({ classes: 8 }), 4, 64, 60)).toThrow(
    /multiples of 16 pixels.*\[4, 3, 64, 60\]/,
  )
})

function weightCount(graph: Graph): number {
  return graph.parameters.reduce((count, { shape }) => count + sizeOf(shape), 0)
}

function firstPlaces(graph: Graph): number[] {
  let end = 0
  return graph.parameters.map(({ shape }) => (end += sizeOf(shape)) - sizeOf(shape))
}
