import { describe, expect, test } from 'vitest'
import { inLayer, newGraph, parameter } from '../../src/models/graph/graph.ts'
import { weightFactors, type ParamGroup } from '../../src/models/param_groups.ts'
import { thrown } from './thrown.ts'

/** Two layers of a 1 x 2 weight and a bias each, by their names. */
function factors(groups: readonly ParamGroup[], frozen?: string) {
  const graph = newGraph({ isTraining: true, isFrozen: (layer) => layer === frozen })
  for (const layer of ['backbone.stage1', 'center.predictor']) {
    inLayer(graph, layer, () => {
      parameter(graph, 'weight', [1, 2], { kind: 'constant', value: 0 })
      parameter(graph, 'bias', [1], { kind: 'constant', value: 0 })
    })
  }
  const { lrScale, decays } = weightFactors(graph, groups)
  return { lr: [...lrScale], decay: [...decays] }
}

describe('parameters', () => {
  test('are all trained alike, and biases and normalisations do not decay', () => {
    expect(factors([])).toEqual({ lr: [1, 1, 1, 1, 1, 1], decay: [1, 1, 0, 1, 1, 0] })
  })

  test('of a group have its factors, one a weight', () => {
    expect(factors([{ pattern: 'backbone.*', lr: 0.5 }])).toEqual({
      lr: [0.5, 0.5, 0.5, 1, 1, 1],
      decay: [1, 1, 0, 1, 1, 0],
    })
    // Upstream's: biases learn twice as fast, and decay.
    expect(factors([{ pattern: '*.bias', lr: 2, weightDecay: 1 }])).toEqual({
      lr: [1, 1, 2, 1, 1, 2],
      decay: [1, 1, 1, 1, 1, 1],
    })
    expect(factors([{ pattern: 'center.predictor.weight', weightDecay: 0 }]).decay).toEqual([1, 1, 0, 0, 0, 0])
  })

  test('of several groups follow the last that says something', () => {
    const groups = [
      { pattern: '*', lr: 0.5 },
      { pattern: '*.bias', lr: 2 },
      { pattern: 'center.*', weightDecay: 0.25 },
    ]
    expect(factors(groups)).toEqual({ lr: [0.5, 0.5, 2, 0.5, 0.5, 2], decay: [1, 1, 0, 0.25, 0.25, 0.25] })
  })

  test('of a frozen layer have a rate of 0, whatever their groups say', () => {
    expect(factors([{ pattern: '*', lr: 3 }], 'backbone.stage1').lr).toEqual([0, 0, 0, 3, 3, 3])
  })
})

test.each([
  [
    { pattern: 'backbne.*' },
    "params/invalid: the parameter group 'backbne.*' matches no parameter; did you mean 'backbone.*'?",
  ],
  [{ pattern: '*.wieght' }, "did you mean '*.weight'?"],
  [{ pattern: 'center.predictor.bais' }, "did you mean 'center.predictor.bias'?"],
  [{ pattern: 'backbone' }, "did you mean 'backbone.*'?"],
  [{ pattern: 'neck.*' }, 'there are backbone.*, center.*'],
  [{ pattern: 'center.*', lr: -1 }, "parameter group 'center.*': lr is -1, must be at least 0"],
  [{ pattern: 'center.*', wd: 0 }, "parameter group 'center.*' has no option 'wd'"],
  [{ pattern: 7 }, 'parameter group 7: pattern is 7, must be the name of a parameter'],
])('the group %j is refused', (group, text) => {
  expect(thrown(() => factors([group as ParamGroup]))).toContain(text)
})

test('a dot of a pattern is a dot, and not any letter', () => {
  expect(thrown(() => factors([{ pattern: 'backbone-stage1.*' }]))).toContain('matches no parameter')
})
