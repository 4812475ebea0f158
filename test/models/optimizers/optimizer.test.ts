import { describe, expect, test } from 'vitest'
import { openSession } from '../../../src/models/engines/open.ts'
import { floats, type Session } from '../../../src/models/engines/session.ts'
import { input, newGraph, output, sizeOf } from '../../../src/models/graph/graph.ts'
import { averaged } from '../../../src/models/optimizers/average.ts'
import { clipGradient, parseClipping, type Clipping } from '../../../src/models/optimizers/clip.ts'
import { optimizerOf, type Optimizer, type OptimizerOptions } from '../../../src/models/optimizers/optimizer.ts'
import torch from '../../fixtures/pytorch.json' with { type: 'json' }
import { cpu } from '../graph/gradient_error.ts'
import { thrown } from '../thrown.ts'

// A matrix that decays, and a bias that does not, at three times the rate: fixtures/pytorch.py.
const { shapes, lr, weightDecay, start, gradients } = torch.training
const [matrix = 0, bias = 0] = shapes.map(sizeOf)
const lrScale = Float32Array.from([...Array<number>(matrix).fill(1), ...Array<number>(bias).fill(3)])
const decays = Float32Array.from([...Array<number>(matrix).fill(1), ...Array<number>(bias).fill(0)])

describe('optimizers', () => {
  test.each(torch.optimizers)('end 20 steps where PyTorch’s do: $options', async ({ options, weights }) => {
    const optimizer = optimizerOf(options as OptimizerOptions)
    const path = await descend(() => optimizer, gradients)
    const last = path.at(-1)!
    const longest = Math.max(...weights.map((weight, i) => Math.abs(weight - start[i]!)))
    for (const [i, weight] of weights.entries())
      expect(Math.abs(last.weights[i]! - weight) / longest).toBeLessThan(2e-5)
  })

  test('plain gradient descent keeps nothing, momentum one vector, Adam two', () => {
    expect(optimizerOf({ kind: 'sgd', momentum: 0 }).slots).toEqual([])
    expect(optimizerOf('sgd').slots).toEqual(['momentum'])
    expect(optimizerOf('adam').slots).toEqual(['momentum', 'variance'])
    expect(optimizerOf().slots).toEqual(['momentum', 'variance'])
  })

  test.each(['sgd', 'adam', 'adamw'] as const)('%s leaves weights of rate 0 as they are, bit for bit', async (kind) => {
    const path = await descend(() => optimizerOf(kind), gradients, { lrScale: lrScale.with(0, 0) })
    expect(path.at(-1)!.weights[0]).toBe(Math.fround(start[0]!))
    expect(path.at(-1)!.weights[1]).not.toBe(Math.fround(start[1]!))
  })

  test.each([
    ['adm', "did you mean 'adam'?"],
    [{ kind: 'sgd', beta1: 0.9 }, "optimizer 'sgd' has no option 'beta1'"],
    [{ kind: 'adam', beta2: 1 }, 'beta2 is 1, must be at least 0 and less than 1'],
    [{ kind: 'adamw', epsilon: 0 }, 'epsilon is 0, must be greater than 0'],
    [{ kind: 'sgd', nesterov: 1 }, 'nesterov is 1, must be true or false'],
  ])('%j is refused', (options, text) => {
    expect(thrown(() => optimizerOf(options as OptimizerOptions))).toContain(text)
  })

  test('nesterov without momentum is refused', () => {
    expect(() => optimizerOf({ kind: 'sgd', momentum: 0, nesterov: true })).toThrow(/nesterov.*momentum/)
  })
})

describe('averaged weights', () => {
  const average = async (decay: number) => {
    const path = await descend((number) => averaged(optimizerOf('sgd'), number('averageDecay')), gradients, {
      averageDecay: Float32Array.of(decay),
    })
    return path.map(({ weights, slots }) => ({ weights: weights[0]!, average: slots.at(-1)![0]! }))
  }

  test('are the mean of the weights after each step, as long as the average is short', async () => {
    const path = await average(0.999)
    for (const [i, { average }] of path.entries()) {
      const mean = path.slice(0, i + 1).reduce((sum, { weights }) => sum + weights, 0) / (i + 1)
      expect(average).toBeCloseTo(mean, 5)
    }
  })

  test('then forget by their decay', async () => {
    const path = await average(0.5)
    let expected = path[0]!.weights
    for (const { weights, average } of path.slice(1)) {
      expected = 0.5 * expected + 0.5 * weights
      expect(average).toBeCloseTo(expected, 5)
    }
  })

  test('leave the training itself as it is', async () => {
    const plain = await descend(() => optimizerOf('sgd'), gradients)
    expect((await average(0.9)).map(({ weights }) => weights)).toEqual(plain.map(({ weights }) => weights[0]))
  })
})

describe('clipping', () => {
  test('is by the norm, unless asked for otherwise, and a mistyped way is named', () => {
    expect(parseClipping(undefined)).toBe('norm')
    expect(parseClipping('tensor_norm')).toBe('tensor_norm')
    expect(thrown(() => parseClipping('nrom'))).toContain("did you mean 'norm'?")
  })

  test.each(torch.clippings)('by $clipping to $limit is PyTorch’s', async ({ clipping, limit, gradient }) => {
    const { clipped, norm } = await clip(clipping as Clipping, limit)
    for (const [i, value] of gradient.entries()) expect(clipped[i]).toBeCloseTo(value, 5)
    expect(norm / Math.hypot(...torch.gradient)).toBeCloseTo(1, 6)
  })
})

async function clip(clipping: Clipping, limit: number) {
  const graph = newGraph()
  const flat = input(graph, 'gradient', 'float32', [torch.gradient.length])
  const { clipped, norm } = clipGradient(flat, clipping, () => input(graph, 'limit', 'float32', []), shapes)
  output('clipped', clipped)
  output('norm', norm)
  const session = await openSession(graph, cpu)
  const results = await session.run({ gradient: Float32Array.from(torch.gradient), limit: Float32Array.of(limit) })
  await session.close()
  return { clipped: floats(results, 'clipped'), norm: floats(results, 'norm')[0]! }
}

interface Place {
  readonly weights: Float32Array
  readonly slots: readonly Float32Array[]
}

/** Takes one step for each gradient; gives where each of them ended. */
async function descend(
  make: (number: (name: string) => ReturnType<typeof input>) => Optimizer,
  gradients: readonly (readonly number[])[],
  changed: Readonly<Record<string, Float32Array>> = {},
): Promise<readonly Place[]> {
  const { session, slots } = await openOptimizer(make)
  const fixed = { lr: Float32Array.of(lr), weightDecay: Float32Array.of(weightDecay), lrScale, decays, ...changed }
  const path: Place[] = []
  let place: Place = { weights: Float32Array.from(start), slots: slots.map(() => new Float32Array(start.length)) }
  for (const [i, gradient] of gradients.entries()) {
    const kept = Object.fromEntries(slots.map((name, n) => [name, place.slots[n]!]))
    const step = { step: Float32Array.of(i + 1), gradient: Float32Array.from(gradient) }
    const results = await session.run({ ...fixed, ...step, ...kept, weights: place.weights })
    place = { weights: floats(results, 'newWeights'), slots: slots.map((name) => floats(results, `new_${name}`)) }
    path.push(place)
  }
  await session.close()
  return path
}

async function openOptimizer(
  make: (number: (name: string) => ReturnType<typeof input>) => Optimizer,
): Promise<{ readonly session: Session; readonly slots: readonly string[] }> {
  const graph = newGraph()
  const number = (name: string) => input(graph, name, 'float32', [])
  const vector = (name: string) => input(graph, name, 'float32', [start.length])
  const optimizer = make(number)
  const after = optimizer.step({
    weights: vector('weights'),
    slots: optimizer.slots.map(vector),
    gradient: vector('gradient'),
    lr: number('lr'),
    weightDecay: number('weightDecay'),
    step: number('step'),
    lrScale: vector('lrScale'),
    decays: vector('decays'),
  })
  output('newWeights', after.weights)
  for (const [i, name] of optimizer.slots.entries()) output(`new_${name}`, after.slots[i]!)
  return { session: await openSession(graph, cpu), slots: optimizer.slots }
}
