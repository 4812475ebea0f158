import { expect, test } from 'vitest'
import { planOf } from '../../src/models/plan.ts'
import type { ScheduleKind } from '../../src/models/schedule.ts'
import type { TrainOptions } from '../../src/models/train_options.ts'
import { cpu } from './graph/gradient_error.ts'

/** The rates of 100 steps. */
function rates(schedule: ScheduleKind): readonly number[] {
  const trial = { device: cpu, maxSteps: 1 } as TrainOptions['trial']
  const plan = planOf({ trial, weights: { semantic: 1 }, every: 100, lr: 1, schedule } as TrainOptions)
  return Array.from({ length: plan.total }, (_, step) => plan.hypers(step, plan.total)[0]!.lr)
}

test('a schedule by its name warms up over 5 % of all steps, and one_cycle over its own 30 %', () => {
  const topOf = (values: readonly number[]) => values.indexOf(Math.max(...values))
  expect(topOf(rates('constant'))).toBe(5)
  expect(topOf(rates('poly'))).toBe(5)
  expect(topOf(rates('one_cycle'))).toBe(29)
})
