import { expect, test } from 'vitest'
import { asha } from '../../src/search/asha.ts'
import { hyperband } from '../../src/search/hyperband.ts'
import { median } from '../../src/search/median.ts'
import type { Pruner } from '../../src/search/pruner.ts'
import { uniform } from '../../src/space.ts'
import { defineStudy, maximize, type Study } from '../../src/study.ts'
import { projectStudy } from '../../src/trials/projection.ts'

function studyOf(trials: number, pruner?: Pruner): Study {
  return defineStudy({
    name: 'projected',
    goal: maximize('pq'),
    space: { lr: uniform(0, 1) },
    budget: { trials, steps: 9 },
    ...(pruner && { pruner }),
    async *objective() {
      yield { pq: 1 }
    },
  })
}

const nine = { reports: Array<number>(9).fill(2), start: 0 }

test('a study takes as long as its trials one after another, shared out among its slots', () => {
  expect(projectStudy(studyOf(6), nine, 1)).toEqual({ trial: 18, study: 6 * 18 })
  expect(projectStudy(studyOf(6), nine, 2)).toEqual({ trial: 18, study: 3 * 18 })
  expect(projectStudy(studyOf(5), nine, 2).study).toBe(3 * 18)
  expect(projectStudy(studyOf(2), nine, 8).study).toBe(18)
})

test('what a slot needs for its first trial alone is paid once a slot', () => {
  expect(projectStudy(studyOf(6), { ...nine, start: 5 }, 2)).toEqual({ trial: 18, study: 5 + 3 * 18 })
})

test('reports that cost more than others are paid by the trials that get there', () => {
  const costly = { reports: [1, 1, 1, 1, 1, 1, 1, 1, 100], start: 0 }
  const { study, pruned = NaN } = projectStudy(studyOf(20, asha()), costly, 1)
  expect(study).toBe(20 * 108)
  expect(pruned).toBeLessThan(0.5 * study)
  expect(pruned).toBeGreaterThanOrEqual(108 + 19)
})

test('of trials that asha stops at 1 and 3 of 9 reports, no more than a half is paid, and the baseline whole', () => {
  const { study, pruned = NaN } = projectStudy(studyOf(24, asha({ first: 1, eta: 3 })), nine, 1)
  expect(pruned).toBeLessThan(0.5 * study)
  expect(pruned).toBeGreaterThan(18 + 23 * 2)
})

test('a pruner that stops nothing saves nothing, whichever it is, and the median saves about a half', () => {
  const keepAll: Pruner = { name: 'patient', judge: () => undefined }
  expect(projectStudy(studyOf(12, keepAll), nine, 2)).toEqual({ trial: 18, study: 6 * 18, pruned: 6 * 18 })
  const { study, pruned = NaN } = projectStudy(studyOf(40, median()), nine, 1)
  expect(pruned / study).toBeGreaterThan(0.3)
  expect(pruned / study).toBeLessThan(0.8)
})

test('trials are spread over the brackets of hyperband, of which later ones take longer', () => {
  const pruned = (pruner: Pruner) => projectStudy(studyOf(60, pruner), nine, 1).pruned ?? Number.NaN
  const [strictest, all] = [pruned(asha({ first: 1 })), pruned(hyperband({ first: 1, brackets: 2 }))]
  expect(all).toBeGreaterThan(1.2 * strictest)
})
