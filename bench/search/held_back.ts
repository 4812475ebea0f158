import { choice, decodeSpace, int, loguniform, logint, oneOf, spaceDims, type Values } from '../../src/space.ts'
import { numbers, type TestFunction } from '../../test/search/functions.ts'
import type { Task } from './tasks.ts'

/** Ripples along valleys that turn with each number, in six dimensions of -10..10 each (Levy & Montalvo 1985). */
const levy6: TestFunction = {
  dims: numbers(6),
  lowest: 0,
  at(point) {
    const w = point.map((u) => 1 + (20 * u - 10 - 1) / 4)
    const [first = 1, last = 1] = [w[0], w.at(-1)]
    const between = w.slice(0, -1).reduce((sum, v) => sum + (v - 1) ** 2 * (1 + 10 * Math.sin(Math.PI * v + 1) ** 2), 0)
    return Math.sin(Math.PI * first) ** 2 + between + (last - 1) ** 2 * (1 + Math.sin(2 * Math.PI * last) ** 2)
  },
}

/** Flat but for steep ridges, in five dimensions of 0..pi each (Michalewicz 1992). */
const michalewicz5: TestFunction = {
  dims: numbers(5),
  lowest: -4.687658,
  at(point) {
    const x = point.map((u) => Math.PI * u)
    return -x.reduce((sum, v, i) => sum + Math.sin(v) * Math.sin(((i + 1) * v * v) / Math.PI) ** 20, 0)
  },
}

/** Two valleys along each of five dimensions of -5..5, one a little lower (Styblinski & Tang 1990). */
const styblinskiTang5: TestFunction = {
  dims: numbers(5),
  lowest: 5 * -39.16616570377142,
  at(point) {
    return point.map((u) => 10 * u - 5).reduce((sum, x) => sum + (x ** 4 - 16 * x * x + 5 * x) / 2, 0)
  },
}

const choices = {
  scaling: choice('none', 'unit', 'rank', 'log'),
  model: oneOf({
    kernel: { c: loguniform(1e-3, 1e3), gamma: loguniform(1e-5, 10) },
    forest: { trees: logint(10, 1000), depth: int(1, 20), split: choice('gini', 'entropy', 'random') },
    nearest: { neighbours: logint(1, 100), distance: choice('l1', 'l2', 'cosine') },
  }),
  features: int(4, 64),
}

/** Which of three classifiers to take, of which each has its own parameters, and a valley between two of them. */
const classifiers: TestFunction = {
  space: choices,
  dims: spaceDims(choices),
  lowest: 0.05,
  at(point) {
    const { scaling, model, features } = decodeSpace(choices, point)
    const scaled = { none: 0.08, unit: 0, rank: 0.02, log: 0.04 }[scaling]
    const fewer = 0.02 * Math.log2(features / 32) ** 2
    return errorOf(model, scaled) + fewer
  },
}

function errorOf(model: Values<typeof choices>['model'], scaled: number): number {
  if (model.kind === 'forest') {
    const size = 0.06 * (3 - Math.log10(model.trees))
    const split = { gini: 0, entropy: 0.005, random: 0.03 }[model.split]
    return 0.08 + size + 0.002 * (model.depth - 14) ** 2 + split + 0.1 * scaled
  }
  if (model.kind === 'nearest') {
    const distance = { l1: 0.02, l2: 0.03, cosine: 0 }[model.distance]
    return 0.12 + 0.05 * (Math.log10(model.neighbours) - 0.9) ** 2 + distance + 2 * scaled
  }
  const [c, gamma] = [Math.log10(model.c), Math.log10(model.gamma)]
  return 0.05 + 0.03 * (c + gamma + 1) ** 2 + 0.005 * (c - 1.5) ** 2 + scaled
}

/**
 * Functions on which nothing was tuned: other shapes than those that Optuna was measured on, as a check that settings
 * are not made for those.
 */
export const HELD_BACK: Readonly<Record<string, Task>> = {
  levy6: { fn: levy6, noise: 0 },
  michalewicz5: { fn: michalewicz5, noise: 0 },
  classifiers: { fn: classifiers, noise: 0 },
  noisy_styblinski5: { fn: styblinskiTang5, noise: 10 },
}
