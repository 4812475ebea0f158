import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { seedFor } from '../../src/rng.ts'
import { uniform } from '../../src/space.ts'
import { defineStudy, maximize, type Study } from '../../src/study.ts'
import type { Executor } from '../../src/trials/executor.ts'
import { repeat } from '../../src/trials/repeat.ts'
import { slots } from '../contracts/executor.ts'
import { temporaryDir } from '../temporary.ts'

const study = defineStudy({
  name: 'noisy',
  goal: maximize('pq'),
  space: { x: uniform(0, 1) },
  budget: { trials: 1, steps: 2 },
  async *objective({ x }, { seed }) {
    for (;;) yield { pq: x, seed }
  },
})

function executorOf({ objective }: Pick<Study, 'objective'>): Executor {
  return {
    slots,
    data: 'itself',
    run: ({ params, ...job }, _, signal) => objective(params as never, { ...job, signal } as never),
    close: async () => undefined,
  }
}

function repeated(change: Partial<Parameters<typeof repeat>[0]> = {}) {
  const dir = temporaryDir()
  return repeat({
    study,
    url: 'none:',
    data: undefined,
    executor: executorOf(study),
    configs: [{ x: 0.25 }, { x: 0.75 }],
    seeds: 3,
    dirOf: (config, seed) => join(dir, `${config}-${seed}`),
    signal: new AbortController().signal,
    onEnd: () => undefined,
    ...change,
  })
}

describe('repeats', () => {
  test('give every configuration the same new seeds, so that results are pairs', async () => {
    const seeds = [0, 1, 2].map((number) => seedFor(study.seed, 'repeat', number))
    const [first, second] = await repeated()
    expect(first).toEqual(seeds.map((seed) => ({ pq: 0.25, seed })))
    expect(second).toEqual(seeds.map((seed) => ({ pq: 0.75, seed })))
  })

  test('use seeds that no trial of the study had', async () => {
    const [results] = await repeated()
    const ofTrials = Array.from({ length: 100 }, (_, number) => seedFor(study.seed, 'trial', number))
    expect(ofTrials).not.toContain(results![0]!['seed'])
  })

  test('end with what is wrong when a run fails', async () => {
    const broken = executorOf({ async *objective() { yield { loss: 1 } } }) // prettier-ignore
    await expect(repeated({ executor: broken })).rejects.toMatchObject({
      code: 'study/invalid',
      message: expect.stringMatching(/^the run of \{"x":0.25\} with new seed 1 failed: .*'pq'/),
      hint: expect.stringMatching(/0-0\/log\.txt$/),
    })
  })

  test.each([
    ['throws', () => { throw new RangeError('too far') }, 'RangeError: too far'], // prettier-ignore
    ['reports nothing', () => [], 'its objective ended without a report'],
  ])('end with what is wrong when a run %s', async (_, reports, message) => {
    const broken = executorOf({ async *objective() { yield* reports() } }) // prettier-ignore
    await expect(repeated({ executor: broken })).rejects.toMatchObject({
      code: 'study/invalid',
      message: expect.stringContaining(message),
    })
  })

  test('are all stopped by the first that fails', async () => {
    const signals: AbortSignal[] = []
    const broken = executorOf({
      async *objective({ x }, { signal }) {
        signals.push(signal)
        yield x < 0.5 ? { loss: 1 } : { pq: x }
        await setTimeout(1)
        yield { pq: x }
      },
    })
    await expect(repeated({ executor: broken })).rejects.toThrow('the run of')
    await setTimeout(5)
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('stop when they are told to', async () => {
    const stop = new AbortController()
    await expect(repeated({ signal: stop.signal, onEnd: () => stop.abort() })).rejects.toThrow(/aborted/)
  })
})
