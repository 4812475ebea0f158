// oxlint-disable vitest/expect-expect -- it is tsc that checks these
import { describe, expect, expectTypeOf, test } from 'vitest'
import { choice, loguniform, oneOf, ordinal, uniform, type Values } from '../../src/space.ts'
import { weightedSum } from '../../src/weighted_sum.ts'
import { atLeast, atMost, defineStudy, maximize, minimize, type Study } from '../../src/study.ts'

const space = { lr: loguniform(1e-4, 1e-1), schedule: choice('poly', 'cosine') }
const budget = { trials: 1 }
const name = 'types'

async function* objective() {
  yield { pq: 1, sq: 0.5 }
}

describe('the types of a study', () => {
  test('params come from the space, in a method that takes them apart too', () => {
    defineStudy({
      name,
      budget,
      goal: maximize('pq'),
      space: { ...space, width: ordinal(16, 32, 64), flip: choice(true, false), extra: choice(null, 'aspp') },
      async *objective({ schedule, ...rest }) {
        expectTypeOf(schedule).toEqualTypeOf<'poly' | 'cosine'>()
        expectTypeOf(rest.lr).toEqualTypeOf<number>()
        expectTypeOf(rest.width).toEqualTypeOf<16 | 32 | 64>()
        expectTypeOf(rest.flip).toEqualTypeOf<boolean>()
        expectTypeOf(rest.extra).toEqualTypeOf<'aspp' | null>()
        // @ts-expect-error the space has no such parameter
        void rest.momentum
        yield { pq: 1 }
      },
    })
  })

  test('a goal that names no yielded metric does not compile', () => {
    const shared = { name, budget, space }
    async function* withError() {
      yield { pq: 1, pq_se: 0.5 }
    }
    defineStudy({ ...shared, goal: maximize('pq'), objective: withError })
    defineStudy({ ...shared, goal: maximize('sq'), objective })
    defineStudy({ ...shared, goals: [maximize('pq'), minimize('sq')], objective })
    // @ts-expect-error 'rq' is never yielded
    defineStudy({ ...shared, goal: maximize('rq'), objective })
    // @ts-expect-error 'rq' is never yielded
    defineStudy({ ...shared, goals: [maximize('pq'), minimize('rq')], objective })
    // @ts-expect-error a standard error is no goal
    defineStudy({ ...shared, goal: maximize('pq_se'), objective: withError })
    // @ts-expect-error a study has a goal
    defineStudy({ ...shared, objective })
    // @ts-expect-error one goal, or several, but not both
    defineStudy({ ...shared, goal: maximize('pq'), goals: [maximize('pq')], objective })
    // @ts-expect-error no goals are none
    defineStudy({ ...shared, goals: [], objective })
  })

  test('a goal that names no yielded metric does not compile in a study written in one piece', () => {
    defineStudy({
      name,
      budget,
      space,
      // @ts-expect-error 'rq' is never yielded
      goal: maximize('rq'),
      async *objective({ lr }) {
        yield { pq: lr }
      },
    })
  })

  test('metrics are numbers', () => {
    defineStudy({
      name,
      budget,
      space,
      goal: maximize('pq'),
      // @ts-expect-error a metric is a number
      async *objective() {
        yield { pq: 'high' }
      },
    })
  })

  test('settings keep the type they are written with, widened, in prepare and in trials', () => {
    defineStudy({
      name,
      budget,
      space,
      goal: maximize('pq'),
      settings: { steps: 900, data: 'shapes', flip: true },
      prepare({ settings, progress }) {
        expectTypeOf(settings.steps).toEqualTypeOf<number>()
        expectTypeOf(settings.data).toEqualTypeOf<string>()
        expectTypeOf(settings.flip).toEqualTypeOf<boolean>()
        progress('reading')
      },
      async *objective(_params, { settings }) {
        expectTypeOf(settings.steps).toEqualTypeOf<number>()
        // @ts-expect-error there is no such setting
        void settings.epochs
        yield { pq: 1 }
      },
    })
  })

  test('what prepare gives is typed in trials, awaited', () => {
    defineStudy({
      name,
      budget,
      space,
      goal: maximize('pq'),
      settings: { count: 3 },
      async prepare({ settings, cacheDir }) {
        expectTypeOf(settings.count).toEqualTypeOf<number>()
        expectTypeOf(cacheDir).toEqualTypeOf<string>()
        return { images: new Float32Array(settings.count) }
      },
      async *objective({ lr }, trial) {
        expectTypeOf(lr).toEqualTypeOf<number>()
        expectTypeOf(trial.data.images).toEqualTypeOf<Float32Array<ArrayBuffer>>()
        expectTypeOf(trial.settings.count).toEqualTypeOf<number>()
        yield { pq: trial.data.images.length }
      },
    })
  })

  test('prepare that does not wait is typed in trials too', () => {
    defineStudy({
      name,
      budget,
      space,
      goal: minimize('loss'),
      prepare: () => 7,
      async *objective({ lr }, trial) {
        expectTypeOf(trial.data).toEqualTypeOf<number>()
        yield { loss: lr * trial.data }
      },
    })
  })

  test('without settings and prepare, a trial has none', () => {
    defineStudy({
      name,
      budget,
      space,
      goal: maximize('pq'),
      async *objective(_params, trial) {
        expectTypeOf(trial.data).toEqualTypeOf<undefined>()
        expectTypeOf(trial.signal).toEqualTypeOf<AbortSignal>()
        // @ts-expect-error there are no settings
        void trial.settings.steps
        yield { pq: trial.number }
      },
    })
  })

  test('points to try first are values of the space', () => {
    const shared = { name, budget, space, goal: maximize('pq') } as const
    defineStudy({ ...shared, objective, first: [{ lr: 0.01, schedule: 'cosine' }] })
    // @ts-expect-error the schedule is missing
    defineStudy({ ...shared, objective, first: [{ lr: 0.01 }] })
    // @ts-expect-error there is no such schedule
    defineStudy({ ...shared, objective, first: [{ lr: 0.01, schedule: 'linear' }] })
  })

  test('a conditional parameter is a union that its kind tells apart', () => {
    const optimizer = oneOf({
      sgd: { momentum: uniform(0, 1) },
      adam: { warmup: oneOf({ none: {}, linear: { part: uniform(0, 0.2) } }) },
    })
    type Optimizer = Values<{ optimizer: typeof optimizer }>['optimizer']
    expectTypeOf<Optimizer['kind']>().toEqualTypeOf<'sgd' | 'adam'>()
    defineStudy({
      name,
      budget,
      space: { optimizer },
      goal: maximize('pq'),
      async *objective({ optimizer }) {
        // @ts-expect-error only sgd has a momentum
        void optimizer.momentum
        if (optimizer.kind === 'sgd') {
          expectTypeOf(optimizer.momentum).toEqualTypeOf<number>()
        } else if (optimizer.warmup.kind === 'linear') {
          expectTypeOf(optimizer.warmup.part).toEqualTypeOf<number>()
        }
        yield { pq: 1 }
      },
    })
  })

  test('a metric of the last report alone cannot be the goal', () => {
    defineStudy({
      name,
      budget,
      space,
      // @ts-expect-error the first report has no pq
      goal: maximize('pq'),
      async *objective() {
        yield { loss: 1 }
        yield { loss: 1, pq: 1 }
      },
    })
  })

  test('a study is the same type whatever it searches', () => {
    const study = defineStudy({
      name,
      budget,
      space,
      goal: maximize('pq'),
      async *objective() {
        yield { pq: 1 }
      },
    })
    expectTypeOf(study).toEqualTypeOf<Study>()
  })
})

test('what params have to satisfy is typed by the space', () => {
  const shared = { name, budget, space, goal: maximize('pq'), objective } as const
  defineStudy({ ...shared, where: ({ lr, schedule }) => lr < 0.01 || schedule === 'poly' })
  defineStudy({ ...shared, where: { 'not too fast': ({ lr }) => lr < 0.01 } })
  // @ts-expect-error the space has no such parameter
  defineStudy({ ...shared, where: ({ momentum }) => momentum < 1 })
  defineStudy({ ...shared, where: { 'not too fast': weightedSum({ lr: 100 }, { atMost: 1 }) } })
  // @ts-expect-error the space has no such parameter
  defineStudy({ ...shared, where: weightedSum({ momentum: 1 }, { atMost: 1 }) })
  // @ts-expect-error a choice is no number
  defineStudy({ ...shared, where: weightedSum({ schedule: 1 }, { atMost: 1 }) })
  // @ts-expect-error without a bound it demands nothing
  expect(() => defineStudy({ ...shared, where: weightedSum({ lr: 1 }, {}) })).toThrow(/no sum lies within/)
})

test('constraints are bounds on metrics that are yielded', () => {
  const shared = { name, budget, space, goal: maximize('pq'), objective } as const
  defineStudy({ ...shared, constraints: [atMost('sq', 1), atLeast('pq', 0)] })
  // @ts-expect-error 'rq' is never yielded
  defineStudy({ ...shared, constraints: [atMost('rq', 1)] })
})

test('what a study derives is typed in trials, beside its params', () => {
  defineStudy({
    name,
    budget,
    space,
    goal: maximize('pq'),
    derive: ({ lr }) => ({ decay: lr / 10, kind: 'cosine' }),
    async *objective({ lr, decay, ...rest }) {
      expectTypeOf(lr).toEqualTypeOf<number>()
      expectTypeOf(decay).toEqualTypeOf<number>()
      expectTypeOf(rest.kind).toEqualTypeOf<string>()
      // @ts-expect-error nothing of that name is derived
      void rest.momentum
      yield { pq: 1 }
    },
  })
})
