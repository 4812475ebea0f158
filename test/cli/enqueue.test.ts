import { expect, test } from 'vitest'
import { mistake, mistakeOf, tinyStudy, workspace } from './tune.ts'

test('tune enqueue lets a configuration be run next, and repeats it with the same command no more', async () => {
  const { tune } = workspace()
  const { code, stdout } = await tune('enqueue', '--study', 'tiny.ts', 'lr=0.1', 'schedule=step')
  expect([code, stdout]).toEqual([0, 'trial 1 of tiny waits to be run: lr 0.1  schedule step\n'])
  expect(mistakeOf(await tune('enqueue', '--study', 'tiny.ts', 'schedule=step', 'lr=0.1'))).toEqual(
    mistake('usage', /trial 1 of 'tiny' waits to try this already/, /tune recheck/),
  )
  expect((await tune('run', 'tiny.ts', '--slots', '1', '--quiet')).code).toBe(0)
  const list = JSON.parse((await tune('list', '--json')).stdout) as { params: unknown; state: string }[]
  expect(list.slice(0, 2).map(({ params, state }) => [params, state])).toEqual([
    [{ lr: 0.01, schedule: 'poly' }, 'complete'],
    [{ lr: 0.1, schedule: 'step' }, 'complete'],
  ])
})

test.each([
  ['rate=1', 'usage', /no parameter 'rate'/, /it has lr, net/],
  ['lt=1', 'usage', /no parameter 'lt'/, /did you mean 'lr'/],
  ['lr', 'usage', /write it as key=value/, undefined],
  ['lr=7', 'usage', /'lr': 7 is not a number of loguniform/, undefined],
  ['lr=high', 'usage', /'lr': "high" is not a number/, undefined],
  ['net=c', 'usage', /"c" is none of/, undefined],
  ['net.b.depth=2', 'usage', /'net\.b\.depth' counts only where/, undefined],
  ['lr=0.9', 'usage', /lr=0\.9 is not allowed by where 'slow'/, undefined],
])('tune enqueue %s says what is wrong', async (word, code, message, hint) => {
  const { tune } = workspace({
    'tiny.ts': tinyStudy(`
      space: { lr: loguniform(1e-4, 1, { default: 0.01 }), net: oneOf({ a: {}, b: { depth: choice(1, 2) } }) },
      where: { slow: ({ lr }) => lr < 0.5 },`),
  })
  expect(mistakeOf(await tune('enqueue', '--study', 'tiny.ts', word))).toEqual(mistake(code, message, hint))
})
