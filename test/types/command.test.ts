// oxlint-disable vitest/expect-expect -- it is tsc that checks these
import { expectTypeOf, test } from 'vitest'
import { command, type CommandOptions } from '../../src/command/command.ts'
import { onnx } from '../../src/models/onnx_objective.ts'
import { choice, uniform } from '../../src/space.ts'
import { defineStudy, maximize } from '../../src/study.ts'

const space = { lr: uniform(0, 1), kind: choice('a', 'b') }
const shared = { name: 'types', budget: { trials: 1 }, goal: maximize('pq'), space } as const

test('a command knows the params of its study, its settings, and what a function of its own prepares', () => {
  const prepare = async () => ({ dir: 'data' })
  defineStudy({
    ...shared,
    space,
    settings: { python: 'python3' },
    prepare,
    objective: command(({ lr, kind, ...rest }, { settings, data }) => {
      expectTypeOf(lr).toEqualTypeOf<number>()
      expectTypeOf(kind).toEqualTypeOf<'a' | 'b'>()
      expectTypeOf(settings.python).toEqualTypeOf<string>()
      expectTypeOf(data.dir).toEqualTypeOf<string>()
      // @ts-expect-error the space has no such parameter
      void rest.momentum
      return [settings.python, 'train.py', '--lr', lr]
    }),
  })
  // @ts-expect-error an argument is a text or a number
  defineStudy({ ...shared, objective: command(({ lr }) => ['train', { lr }]) })
  expectTypeOf<CommandOptions<unknown, unknown>>().toHaveProperty('truth')
})

test('an exported model knows the params and the settings, and what it is scored by', () => {
  const settings = { model: 'a.onnx', data: 'shapes' }
  const objective = onnx((given: typeof settings) => given, ({ lr }: { readonly lr: number }) => ({ threshold: lr })) // prettier-ignore
  defineStudy({ ...shared, settings, objective })
  defineStudy({
    ...shared,
    space,
    settings,
    objective: onnx((given) => given, ({ lr, kind }) => ({ threshold: kind === 'a' ? lr : 0 })), // prettier-ignore
  })
  // @ts-expect-error it reports no such metric
  defineStudy({ ...shared, settings, objective, goal: maximize('miou') })
  // @ts-expect-error there is no model
  onnx((given: { readonly data: string }) => given, () => ({})) // prettier-ignore
})
