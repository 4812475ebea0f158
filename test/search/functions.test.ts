import { expect, test } from 'vitest'
import { encodeSpace, type Point } from '../../src/space.ts'
import { conditionalToy } from './conditional_toy.ts'
import { ackley10, branin, hartmann6, rastrigin5, rosenbrock5, type TestFunction } from './functions.ts'

/** Evenly spaced values as a point of the unit cube. */
function steps(count: number, step: number, low: number, high: number): Point {
  return Array.from({ length: count }, (_, i) => (i * step - low) / (high - low))
}

const toy = encodeSpace(conditionalToy.space, {
  optimizer: { kind: 'adam', omb2: 10 ** -2.5 },
  lr: 1e-3,
  width: 64,
  dropout: 0.2,
  second: { kind: 'yes', width: 64, dropout: 0.2, third: { kind: 'no' } },
})

// The values of the Python functions with which Optuna was measured.
test.each([
  ['Branin', branin, [6 / 15, 2 / 15], 21.62763539206238],
  ['Hartmann 6', hartmann6, steps(7, 0.1, 0, 1).slice(1), -1.4069105761385297],
  ['Rosenbrock 5', rosenbrock5, steps(5, 0.5, -5, 10), 114],
  ['Ackley 10', ackley10, steps(10, 0.3, -32.768, 32.768), 7.199836596232895],
  ['Rastrigin 5', rastrigin5, steps(5, 0.4, -5.12, 5.12), 54.8],
  ['the conditional toy', conditionalToy, toy, 0.4075],
] satisfies [string, TestFunction, Point, number][])(
  '%s is the function that Optuna was measured on',
  (_, fn, point, value) => {
    expect(fn.at(point)).toBeCloseTo(value, 9)
  },
)
