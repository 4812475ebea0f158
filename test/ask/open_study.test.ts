import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { openStudy, type OpenStudy } from '../../src/ask/open_study.ts'
import { pbt } from '../../src/search/pbt.ts'
import { random } from '../../src/search/random.ts'
import { choice, uniform } from '../../src/space.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'
import { maximize } from '../../src/study.ts'
import { temporaryDir } from '../temporary.ts'

const definition = {
  name: 'own',
  goal: maximize('pq'),
  space: { x: uniform(0, 1), net: choice('a', 'b') },
  sampler: random(),
} as const

function open(results: string, change: object = {}): Promise<OpenStudy<{ x: number; net: 'a' | 'b' }>> {
  return openStudy({ ...definition, ...change }, { results })
}

describe('a study that is asked and told', () => {
  test('gives the baseline, then what its sampler suggests, and keeps all results', async () => {
    const dir = temporaryDir()
    const study = await open(dir)
    for (let i = 0; i < 5; i++) {
      const asked = study.ask()
      if (!asked) throw new Error('it has no end')
      expect(asked.number).toBe(i)
      study.tell(asked.number, { pq: asked.params.x })
    }
    const winner = study.best()
    study.close()
    const [stored] = openSqliteStore(dir).list()
    const results = stored?.history.trials.map(({ params, reports }) => [params['x'], reports[0]?.metrics['pq']])
    expect(results).toHaveLength(5)
    expect(results?.every(([x, pq]) => x === pq)).toBe(true)
    expect(results?.[0]).toEqual([0.5, 0.5])
    expect(Math.max(...(results ?? []).map(([x]) => Number(x)))).toBe(winner?.params['x'])
  })

  test('is the same study when it is opened again, and asks again for what it was never told', async () => {
    const [dir, other] = [temporaryDir(), temporaryDir()]
    const first = await open(dir)
    const left = [first.ask(), first.ask()]
    first.tell(0, { pq: 1 })
    first.close()
    const again = await open(dir)
    onTestFinished(() => again.close())
    expect(again.ask()).toEqual(left[1])
    const whole = await open(other)
    onTestFinished(() => whole.close())
    expect([0, 1, 2].map(() => whole.ask())).toEqual([...left, again.ask()])
  })

  test('ends with its budget, and takes failures and results that are none', async () => {
    const study = await open(temporaryDir(), { budget: { trials: 3 } })
    onTestFinished(() => study.close())
    for (let i = 0; i < 3; i++) study.ask()
    expect(study.tell(0, new Error('no memory')).outcome).toEqual({ state: 'failed', code: 'trial/threw', message: 'no memory' }) // prettier-ignore
    expect(study.tell(1, { pq: Number.NaN }).outcome).toMatchObject({ state: 'failed', code: 'trial/diverged' })
    expect(study.tell(2, { sq: 1 }).outcome).toMatchObject({ state: 'failed', message: expect.stringContaining("lacks the goal 'pq'") }) // prettier-ignore
    expect(study.ask()).toBeUndefined()
    expect(() => study.tell(2, { pq: 1 })).toThrow('no such trial is waiting to be told')
    expect(() => study.tell(9, { pq: 1 })).toThrow('no such trial is waiting to be told')
  })

  test('ends when its trials have used the hours of their devices that it may', async () => {
    const study = await open(temporaryDir(), { budget: { trials: 99, deviceHours: 2 / 3_600_000 } })
    onTestFinished(() => study.close())
    const asked = study.ask()!
    const from = performance.now()
    while (performance.now() - from < 5);
    expect(study.tell(asked.number, { pq: 1 }).seconds).toBeGreaterThan(0.003)
    expect(study.ask()).toBeUndefined()
  })

  test('says which trial one begins from the end of, where its sampler wants that', async () => {
    const study = await open(temporaryDir(), { sampler: pbt({ population: 2 }) })
    onTestFinished(() => study.close())
    const asked = [0, 1, 2, 3].map(() => {
      const trial = study.ask()!
      study.tell(trial.number, { pq: trial.number })
      return trial
    })
    expect(asked.map((trial) => 'from' in trial)).toEqual([false, false, true, true])
    expect(asked.slice(2).map(({ from }) => from)).toEqual([1, 1])
  })

  test('says what is wrong with its definition', async () => {
    await expect(open(temporaryDir(), { name: '../x' })).rejects.toMatchObject({ code: 'study/invalid' })
  })

  test('knows the types of its params, those that it derives among them', async () => {
    const derive = ({ x }: { readonly x: number }) => ({ half: x / 2 })
    const study = await openStudy({ ...definition, derive }, { results: temporaryDir() })
    onTestFinished(() => study.close())
    const asked = study.ask()
    expect(asked?.params).toEqual({ x: 0.5, net: 'a', half: 0.25 })
    expectTypeOf(asked!.params.net).toEqualTypeOf<'a' | 'b'>()
    expectTypeOf(asked!.params.half).toEqualTypeOf<number>()
  })
})
