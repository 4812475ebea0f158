import { describe, expect, test } from 'vitest'
import type { History } from '../../src/trial.ts'
import { createAdviser, type AdviceThread } from '../../src/trials/adviser.ts'
import type { Advice } from '../../src/trials/suggest.ts'

const history: History = { dims: [], goals: [], trials: [] }
const adviceOf = (number: number): Advice => ({ params: { number }, reason: 'because' })

/** Takes its time, without anybody else having any. */
function slowly(number: number): Advice {
  const until = performance.now() + 15
  while (performance.now() < until);
  return adviceOf(number)
}

/** A thread that answers when it is let, and what it was asked. */
function threadOf(answer: (number: number) => Advice | undefined = adviceOf) {
  const asked: number[] = []
  const waiting: (() => void)[] = []
  const thread: AdviceThread = {
    ask: (_, number) => {
      asked.push(number)
      return new Promise((resolve, reject) => {
        waiting.push(() => {
          try {
            resolve(answer(number))
          } catch (error) {
            reject(error)
          }
        })
      })
    },
    close: async () => void asked.push(-1),
  }
  return { asked, thread, letGo: () => waiting.shift()?.() }
}

describe('an adviser', () => {
  test('answers at once where that is quick, and where there is no thread for it', () => {
    const { thread, asked } = threadOf()
    const quick = createAdviser(
      (_, number) => adviceOf(number),
      () => thread,
    )
    expect([1, 2, 3].map((number) => quick.advise(history, number))).toEqual([1, 2, 3].map(adviceOf))
    const alone = createAdviser((_, number) => slowly(number), undefined)
    expect([1, 2].map((number) => alone.advise(history, number))).toEqual([1, 2].map(adviceOf))
    expect([quick.isAhead(), alone.isAhead(), asked.length]).toEqual([false, false, 0])
  })

  test('works ahead in a thread from the second slow answer on, and asks once for each trial', async () => {
    const { thread, asked, letGo } = threadOf()
    const adviser = createAdviser(
      (_, number) => slowly(number),
      () => thread,
    )
    expect(adviser.advise(history, 1)).toEqual(adviceOf(1))
    expect(adviser.isAhead()).toBe(true)
    const pending = adviser.advise(history, 2)
    expect(pending).toBeInstanceOf(Promise)
    expect(adviser.advise(history, 2)).toBe(pending)
    letGo()
    await pending
    expect(adviser.advise(history, 2)).toEqual(adviceOf(2))
    expect(adviser.advise(history, 5)).toBeInstanceOf(Promise)
    expect(asked).toEqual([2, 5])
    await adviser.close()
    expect(asked.at(-1)).toBe(-1)
  })

  test('says in the end that nothing is left, or what went wrong', async () => {
    const answers = [() => undefined, () => { throw new Error('boom') }] // prettier-ignore
    const { thread, letGo } = threadOf(() => answers.shift()?.())
    const adviser = createAdviser(
      (_, number) => slowly(number),
      () => thread,
    )
    expect(adviser.advise(history, 1)).toEqual(adviceOf(1))
    const ended = async (number: number) => {
      const pending = adviser.advise(history, number)
      letGo()
      await pending
    }
    await ended(2)
    expect(adviser.advise(history, 2)).toBeUndefined()
    await ended(3)
    expect(() => adviser.advise(history, 3)).toThrow('the thread that works out suggestions failed: boom')
  })
})
