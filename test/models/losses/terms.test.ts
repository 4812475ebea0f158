import { describe, expect, test } from 'vitest'
import { openSession } from '../../../src/models/engines/open.ts'
import { floats } from '../../../src/models/engines/session.ts'
import { bindFlat } from '../../../src/models/graph/bind.ts'
import { newGraph, output, parameter, sizeOf, type Graph } from '../../../src/models/graph/graph.ts'
import { scale } from '../../../src/models/graph/arithmetic.ts'
import * as onnx from '../../../src/models/graph/onnx.ts'
import { gradients } from '../../../src/models/graph/reverse.ts'
import { gradientShares, termGradientNorms } from '../../../src/models/losses/gradient_norms.ts'
import { parseLosses, type LossOptions } from '../../../src/models/losses/options.ts'
import { fedTargets, lossTerms, weightedLoss, type LossWeights } from '../../../src/models/losses/terms.ts'
import { adamW } from '../../../src/models/optimizers/adamw.ts'
import { stream } from '../../../src/rng.ts'
import { cpu, normals, relativeError } from '../graph/gradient_error.ts'
import { interpret } from '../graph/interpreter.ts'
import { thrown } from '../thrown.ts'

const PLANE = [1, 1, 3, 4]
const CELLS = sizeOf(PLANE)
const all = { semantic: 1, center: 200, offset: 0.01, distillation: 0.5 }

describe('of the terms,', () => {
  test('those with a weight are built, in their order, and nothing else is fed', () => {
    const fed = (weights: LossWeights, options: LossOptions = {}) => {
      const { graph, terms } = lossGraph(weights, options)
      return [terms.map(({ name }) => name), graph.inputs.map(({ name }) => name).toSorted()]
    }
    expect(fed({ offset: 1, semantic: 1, center: 0 })).toEqual([
      ['semantic', 'offset'],
      ['offset', 'offsetFactor', 'offsetWeights', 'semantic', 'semanticFactor', 'semanticWeights', 'weights'],
    ])
    expect(fed({ center: 2, distillation: 1 }, { instances: 'inconsistency' })).toEqual([
      ['center', 'distillation'],
      ['center', 'centerFactor', 'centerWeights', 'distillationFactor', 'instanceWeights', 'teacher', 'weights'],
    ])
  })

  test('one that the network cannot give is refused by its name', () => {
    const { graph, heads } = newHeads()
    const terms = (weights: LossWeights) => () =>
      lossTerms({ semantic: heads.semantic }, fedTargets(heads.semantic), parseLosses({}, 2), weights)
    expect(terms({ semantic: 1, center: 200 })).toThrow(expect.objectContaining({ code: 'params/invalid', message: expect.stringContaining("'center'") })) // prettier-ignore
    expect(terms({ semantic: 1, offset: 0 })()).toHaveLength(1)
    expect(graph.outputs).toEqual([])
  })

  test('none at all, or one of a weight that is no weight, is refused', () => {
    expect(() => lossGraph({ semantic: 0 })).toThrow(/every loss has weight 0/)
    expect(thrown(() => lossGraph({ semantic: 1, center: -1 }))).toContain('center is -1, must be at least 0')
    expect(thrown(() => lossGraph({ semantic: Number.NaN }))).toContain('semantic is NaN')
    const mistyped = { semantic: 1, centre: 200 }
    expect(thrown(() => lossGraph(mistyped))).toContain("did you mean 'center'?")
  })
})

describe('the loss', () => {
  test('is the sum of the terms times their weights', () => {
    const { read } = run(all)
    const sum = Object.entries(all).reduce((sum, [name, weight]) => sum + weight * read(`${name}Loss`), 0)
    expect(read('total') / sum).toBeCloseTo(1, 6)
    expect(read('images') / sum).toBeCloseTo(1, 6)
  })

  test('has the gradient of finite differences with respect to all heads', () => {
    for (const options of [{}, { weighting: 'learned', instances: 'cross_entropy', offsetMean: 'values' }] as const) {
      const { gradient, differences } = run(all, options)
      expect(relativeError(gradient(), differences())).toBeLessThan(1e-6)
    }
  })

  test('learned weights: each term adds exp(-s) w L + s / 2, and counts with exp(-s) w', () => {
    const s = { semantic: 0.3, center: -1, offset: 2, distillation: 0 }
    const { read } = run(all, { weighting: 'learned' }, s)
    const expected = Object.entries(all).map(([name, weight]) => {
      const [logVariance, factor] = [s[name as keyof typeof s], read(`${name}Weight`)]
      expect(factor / (Math.exp(-logVariance) * weight)).toBeCloseTo(1, 6)
      return Math.exp(-logVariance) * weight * read(`${name}Loss`) + logVariance / 2
    })
    expect(read('total') / expected.reduce((a, b) => a + b)).toBeCloseTo(1, 6)
  })

  test('learned weights start as the fixed ones', () => {
    expect(run(all, { weighting: 'learned' }).read('total')).toBeCloseTo(run(all).read('total'), 6)
  })

  test('onnxruntime gives what the reference gives', async () => {
    const { graph, feeds, gradient, read } = run(all, { weighting: 'learned', instances: 'cross_entropy' })
    const session = await openSession(graph, cpu)
    const results = await session.run(feeds)
    await session.close()
    expect(relativeError(floats(results, 'gradient'), gradient())).toBeLessThan(1e-5)
    expect(floats(results, 'total')[0]! / read('total')).toBeCloseTo(1, 5)
  })
})

describe('the gradients of the terms', () => {
  test('have the lengths of the gradients of a loss of that term alone', () => {
    const { read } = run(all)
    for (const name of ['semantic', 'center', 'offset', 'distillation'] as const) {
      const alone = run({ [name]: 1 }).gradient()
      expect(read(`${name}Norm`) / Math.hypot(...alone)).toBeCloseTo(1, 9)
    }
  })

  test('add up to the gradient of the loss', () => {
    const parts = Object.entries(all).map(([name, weight]) => ({ weight, part: run({ [name]: 1 }).gradient() }))
    const sum = run(all).gradient().map((_, i) => parts.reduce((sum, { weight, part }) => sum + weight * part[i]!, 0)) // prettier-ignore
    expect(relativeError(run(all).gradient(), sum)).toBeLessThan(1e-6)
  })

  test('have shares that sum to 1, by their weighted lengths', () => {
    expect(gradientShares([1, 2, 4], [6, 1, 0])).toEqual([0.75, 0.25, 0])
    expect(gradientShares([0, 0], [1, 200])).toEqual([0, 0])
  })
})

// Metamorphic tests of design/panoptic-deeplab.md 3.9, on the loss and the optimizer alone.
test('M2: a loss of weight 0 leaves its head as it is, and the others as they would be with it', () => {
  const [without, others] = [run({ semantic: 1, offset: 0.1 }).gradientOf, run({ ...all, offset: 0.1 }).gradientOf]
  expect(without('center')).toEqual(without('center').map(() => 0))
  expect(without('offset')).toEqual(others('offset'))
  expect(others('center')).not.toEqual(without('center'))
})

test('M9: all weights times ten scale the gradient by ten, and change nothing for Adam without clipping or decay', () => {
  const weights = { semantic: 1, center: 20, offset: 0.1 }
  const once = run(weights).gradient()
  const tenfold = run({ semantic: 10, center: 200, offset: 1 }).gradient()
  expect(relativeError(tenfold, once.map((x) => 10 * x))).toBeLessThan(1e-6) // prettier-ignore
  expect(relativeError(adamSteps(tenfold), adamSteps(once))).toBeLessThan(1e-5)
  const otherRatios = run({ semantic: 10, center: 20, offset: 0.1 }).gradient()
  expect(relativeError(adamSteps(otherRatios, once), adamSteps(once))).toBeGreaterThan(0.01)
})

/** Where Adam goes in two steps: along the gradient, then back along a part of another. */
function adamSteps(gradient: Float64Array, second: Float64Array = gradient): number[] {
  const graph = newGraph()
  const vector = (values: Iterable<number>) => {
    const constant = Float32Array.from(values)
    graph.constants.push({ name: `v${graph.constants.length}`, type: 'float32', shape: [constant.length], data: constant }) // prettier-ignore
    return { graph, name: graph.constants.at(-1)!.name, type: 'float32', shape: [constant.length] } as const
  }
  const number = (value: number) => onnx.reshape(vector([value]), [])
  const fill = (value: number) => vector(gradient.map(() => value))
  const fixed = { lr: number(0.01), weightDecay: number(0), lrScale: fill(1), decays: fill(0) }
  const first = adamW({}).step({ ...fixed, weights: fill(0), slots: [fill(0), fill(0)], gradient: vector(gradient), step: number(1) }) // prettier-ignore
  const last = adamW({}).step({ ...fixed, ...first, gradient: vector(second.map((x) => -0.3 * x)), step: number(2) }) // prettier-ignore
  output('weights', last.weights)
  return [...interpret(graph, {}, 'weights')]
}

function newHeads() {
  const graph = newGraph()
  graph.layer = 'heads'
  const head = (name: string, channels: number) =>
    parameter(graph, name, [1, channels, ...PLANE.slice(2)], { kind: 'constant', value: 0 })
  const heads = { semantic: head('semantic', 2), center: head('center', 1), offset: scale(head('offset', 2), 4) }
  graph.layer = ''
  return { graph, heads }
}

function lossGraph(weights: LossWeights, options: LossOptions = {}) {
  const { graph, heads } = newHeads()
  const losses = parseLosses(options, 2)
  const terms = lossTerms(heads, fedTargets(heads.semantic), losses, weights)
  const { total, factors, images } = weightedLoss(terms, losses)
  output('images', images)
  for (const [i, { name, value }] of terms.entries()) {
    output(`${name}Loss`, value)
    output(`${name}Weight`, factors[i]!)
  }
  for (const [i, norm] of termGradientNorms(terms).entries()) output(`${terms[i]!.name}Norm`, norm)
  output('total', total)
  output('gradient', onnx.concat(gradients(total).map((part) => onnx.reshape(part, [sizeOf(part.shape)])), 0)) // prettier-ignore
  bindFlat(graph, 'weights')
  return { graph, terms }
}

/** A loss at a random place; `s` are what a learned weighting has learned. */
function run(weights: LossWeights, options: LossOptions = {}, s: Readonly<Record<string, number>> = {}) {
  const { graph, terms } = lossGraph(weights, options)
  const place = Float32Array.from([
    ...normals(5 * CELLS, 'heads'),
    ...(options.weighting === 'learned' ? terms.map(({ name }) => s[name] ?? 0) : []),
  ])
  const feeds = { ...targets(), ...factors(weights), weights: place }
  const read = (name: string, at: ArrayLike<number> = place) => interpret(graph, { ...feeds, weights: at }, name)
  return {
    graph,
    feeds,
    read: (name: string) => read(name)[0]!,
    gradient: () => read('gradient'),
    gradientOf: (head: string) => partOf(graph, read('gradient'), `heads.${head}`),
    differences: () => place.map((value, i) => slope((at) => read('total', Float64Array.from(place).with(i, at))[0]!, value)), // prettier-ignore
  }
}

function slope(f: (at: number) => number, value: number): number {
  const step = 1e-5
  return (f(value + step) - f(value - step)) / (2 * step)
}

function partOf(graph: Graph, flat: Float64Array, name: string): Float64Array {
  const at = graph.parameters.findIndex((parameter) => parameter.name === name)
  const start = graph.parameters.slice(0, at).reduce((sum, { shape }) => sum + sizeOf(shape), 0)
  return flat.slice(start, start + sizeOf(graph.parameters[at]!.shape))
}

function targets() {
  const rng = stream(1, 'targets')
  const floats = (count: number, draw: () => number) => Float32Array.from({ length: count }, draw)
  return {
    semantic: Int32Array.from({ length: CELLS }, () => rng.below(3) - 1),
    semanticWeights: floats(CELLS, () => 1 + 2 * rng.below(2)),
    center: floats(CELLS, rng.uniform),
    centerWeights: floats(CELLS, () => rng.below(2)),
    offset: floats(2 * CELLS, () => 10 * rng.normal()),
    offsetWeights: floats(CELLS, () => rng.below(2)),
    instanceWeights: floats(CELLS, () => 2 * rng.uniform()),
    teacher: floats(2 * CELLS, rng.uniform),
  }
}

function factors(weights: LossWeights): Record<string, Float32Array> {
  return Object.fromEntries(Object.entries(weights).map(([name, weight]) => [`${name}Factor`, Float32Array.of(weight)])) // prettier-ignore
}
