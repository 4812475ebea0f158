import { describe, expect, test } from 'vitest'
import torch from '../fixtures/pytorch.json' with { type: 'json' }
import { learningRate, parseSchedule, type Schedule } from '../../src/models/schedule.ts'

describe('learningRate', () => {
  // WarmupPolyLR with base 1e-3, 100 steps, 10 of them warm-up from 1e-3: design/panoptic-deeplab.md 3.4.
  test.each([
    [0, 1.0e-6],
    [5, 4.779201e-4],
    [9, 8.268524e-4],
    [10, 9.095326e-4],
    [50, 5.358867e-4],
    [90, 1.258925e-4],
    [99, 1.584893e-5],
  ])('poly with warm-up gives the published rate at step %i', (step, rate) => {
    const poly: Schedule = { kind: 'poly', power: 0.9, warmup: 0.1, warmupFactor: 1e-3 }
    expect(learningRate(poly, step, 100, 1e-3) / rate).toBeCloseTo(1, 6)
  })

  test('poly stays at its ending from where it would fall below, but never during the warm-up', () => {
    const poly: Schedule = { kind: 'poly', warmup: 0.1, ending: 0.3 }
    expect(learningRate(poly, 5, 100, 1e-3) / 4.779201e-4).toBeCloseTo(1, 6)
    expect(learningRate(poly, 0, 100)).toBeCloseTo(1e-3, 12)
    expect(learningRate(poly, 50, 100)).toBeCloseTo(0.5 ** 0.9, 12)
    // 0.3 ** (1 / 0.9) = 0.2625 is what is left of the steps when 0.3 is left of the rate.
    expect(learningRate(poly, 73, 100)).toBeCloseTo(0.27 ** 0.9, 12)
    expect(learningRate(poly, 74, 100)).toBe(0.3)
    expect(learningRate(poly, 99, 100)).toBe(0.3)
  })

  // 3.4: base * f * gamma ** bisect_right(milestones, it), and base * f * (1 + cos(pi it / max)) / 2, f being the warm-up.
  test.each([
    [0, 0.001, 0.001],
    [5, 0.5005, 0.5005 * 0.5 * (1 + Math.cos(Math.PI * 0.05))],
    [10, 1, 0.9755282581475768],
    [59, 1, 0.3605044469803854],
    [60, 0.1, 0.3454915028125263],
    [79, 0.1, 0.1049224938121548],
    [80, 0.01, 0.0954915028125263],
    [99, 0.01, 0.00024671981713422],
  ])('at step %i the step schedule and the cosine are what MultiStep and Cosine are', (at, step, cosine) => {
    const warm = { warmup: 0.1, warmupFactor: 1e-3 }
    expect(learningRate({ kind: 'step', drops: [0.6, 0.8], ...warm }, at, 100)).toBeCloseTo(step, 12)
    expect(learningRate({ kind: 'cosine', ...warm }, at, 100)).toBeCloseTo(cosine, 12)
  })

  // torch.optim.lr_scheduler.OneCycleLR(SGD(lr=1), max_lr, total_steps, **options) of PyTorch 1.13, see fixtures/pytorch.py.
  test.each(torch.oneCycle)(
    'one_cycle is that of PyTorch over $totalSteps steps, $options',
    ({ totalSteps, maxLr, options, rates }) => {
      const schedule: Schedule = { kind: 'one_cycle', ...options }
      expect(rates.length).toBe(totalSteps)
      for (const [step, rate] of rates.entries()) {
        expect(learningRate(schedule, step, totalSteps, maxLr) / rate).toBeCloseTo(1, 9)
      }
    },
  )

  test('step drops to a tenth at 90 % and again at 95 % of all steps', () => {
    const rates = [0, 89, 90, 94, 95, 99].map((step) => learningRate('step', step, 100))
    const expected = [1, 1, 0.1, 0.1, 0.01, 0.01]
    for (const [i, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[i]!, 12)
  })

  test('step drops where and by how much it is told', () => {
    const schedule: Schedule = { kind: 'step', drops: [0.5], factor: 0.3 }
    expect(learningRate(schedule, 449, 900)).toBe(1)
    expect(learningRate(schedule, 450, 900)).toBe(0.3)
  })

  test('a drop at 55 % of 100 steps is at step 55, although 0.55 x 100 is more than 55 in floating point', () => {
    expect(learningRate({ kind: 'step', drops: [0.55] }, 55, 100)).toBeCloseTo(0.1, 12)
  })

  test('cosine falls from 1 through a half to nearly nothing', () => {
    expect(learningRate('cosine', 0, 200)).toBe(1)
    expect(learningRate('cosine', 100, 200)).toBeCloseTo(0.5, 12)
    expect(learningRate('cosine', 199, 200)).toBeLessThan(1e-4)
  })

  test('warm-up multiplies every kind: half way through it the rate is half of what it leads to', () => {
    for (const kind of ['poly', 'step', 'cosine', 'constant'] as const) {
      const warm = learningRate({ kind, warmup: 0.2 }, 10, 100)
      expect(warm / learningRate(kind, 10, 100)).toBeCloseTo(0.5005, 12)
    }
  })

  test('without warm-up the first step has the full rate', () => {
    expect(learningRate('constant', 0, 100, 0.003)).toBe(0.003)
  })
})

describe('parseSchedule', () => {
  test('an unknown schedule is an error that names the nearest one', () => {
    expect(() => parseSchedule('cosin')).toThrow(
      expect.objectContaining({ code: 'params/invalid', hint: "did you mean 'cosine'?" }),
    )
    expect(() => parseSchedule({ kind: 'exponential' })).toThrow(
      expect.objectContaining({ hint: 'there are poly, step, cosine, constant, one_cycle' }),
    )
    expect(() => parseSchedule(null)).toThrow(/unknown learning-rate schedule null/)
  })

  test.each([
    [{ kind: 'poly', power: -1 }, /'poly': power is -1/],
    [{ kind: 'cosine', warmup: 1 }, /warmup is 1, must be at least 0 and less than 1/],
    [{ kind: 'step', drops: [0.5, 2] }, /drops is \[0.5,2\]/],
    [{ kind: 'one_cycle', ending: 1 }, /ending is 1/],
    [{ kind: 'cosine', power: 2 }, /'cosine' has no option 'power'/],
    [{ kind: 'step', factor: 'small' }, /factor is "small"/],
  ])('a value out of range is an error that shows it: %j', (schedule, message) => {
    expect(() => parseSchedule(schedule)).toThrow(message)
  })
})
