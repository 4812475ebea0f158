import { describe, expect, test } from 'vitest'
import { stream } from '../../src/rng.ts'
import { wilcoxon } from '../../src/search/wilcoxon.ts'
import { onImage, type Goal, type Metrics, type Trial } from '../../src/trial.ts'
import { prunerContract } from '../contracts/pruner.ts'
import { historyOf } from './histories.ts'
import { reporting } from './several_goals.ts'

prunerContract(wilcoxon(), { images: 12 })
prunerContract(wilcoxon({ p: 0.01, warmupSteps: 2 }), { images: 30 })

const goals: readonly Goal[] = [{ direction: 'maximize', metric: 'pq' }]

/** Scores of images of very different difficulty, some points below those of the best on average. */
function scores(below: number, noise: number, seed: number): Metrics {
  const [hard, luck] = [stream(1, 'images'), stream(seed, 'luck')]
  const values = Array.from({ length: 40 }, () => 50 + 20 * hard.normal() - below + noise * luck.normal())
  const named = values.map((value, image) => [onImage('pq', image), value])
  return { pq: values.reduce((sum, value) => sum + value, 0) / values.length, ...Object.fromEntries(named) }
}

function judge(below: number, noise: number, seed: number) {
  const leader = reporting(0, scores(0, 0, 0))
  const trial = reporting(1, scores(below, noise, seed), { state: 'running' })
  return wilcoxon().judge(trial, historyOf([], [leader, trial], goals))
}

function stopped(below: number, noise: number): number {
  const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1)
  return seeds.filter((seed) => judge(below, noise, seed)?.action === 'stop').length / seeds.length
}

describe('wilcoxon', () => {
  test('stops what is a little worse on nearly every image, however much images differ', () => {
    expect(stopped(1, 0.5)).toBe(1)
  })

  test('stops one in twenty of those that are as good', () => {
    expect(stopped(0, 3)).toBeGreaterThan(0.02)
    expect(stopped(0, 3)).toBeLessThan(0.09)
  })

  test('stops hardly any that is better', () => {
    expect(stopped(-1, 3)).toBeLessThan(0.01)
  })

  test('says by how much, and how likely that is by chance', () => {
    const { reason, numbers } = judge(2, 0, 1)!
    expect(reason).toBe('pq is 2 worse than trial 0 at step 1 on average of 40 images, p 9.09e-13 of chance')
    expect(numbers).toEqual({ step: 1, difference: expect.closeTo(2, 9), p: 2 ** -40, images: 40, best: 0 })
  })

  test('compares with the best complete trial that reported the step', () => {
    const worse: Trial = reporting(0, scores(5, 0, 0))
    const running = reporting(1, scores(-9, 0, 0), { state: 'running' })
    const trial = reporting(2, scores(2, 0, 0), { state: 'running' })
    expect(wilcoxon().judge(trial, historyOf([], [worse, running, trial], goals))?.numbers['best']).toBe(0)
    expect(wilcoxon().judge(trial, historyOf([], [running, trial], goals))).toBeUndefined()
  })

  test('asks for what images scored where a report lacks it', () => {
    const [leader, trial] = [reporting(0, { pq: 1 }), reporting(1, { pq: 1 }, { state: 'running' })]
    expect(() => wilcoxon().judge(trial, historyOf([], [leader, trial], goals))).toThrow(
      "report 1 of trial 1 lacks 'pq@0'",
    )
  })

  test('refuses a p that is none', () => {
    expect(() => wilcoxon({ p: 5 })).toThrow('wilcoxon({ p: 5 }): p lies between 0 and 1')
  })
})
