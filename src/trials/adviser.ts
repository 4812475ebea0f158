import { isTuneError, messageOf } from '../errors.ts'
import type { History } from '../trial.ts'
import type { Advice } from './suggest.ts'

/** Says what to run as the next trial. */
export interface Adviser {
  /** The answer, or a promise that resolves when asking again will give it. */
  advise(history: History, number: number): Advice | undefined | Promise<void>
  /** Whether to ask as soon as a trial has started, so that the answer for the next is there when a slot is free. */
  isAhead(): boolean
  close(): Promise<void>
}

/** A thread that works out answers beside the driver's. */
export interface AdviceThread {
  ask(history: History, number: number): Promise<Advice | undefined>
  close(): Promise<void>
}

/** Milliseconds that an answer may take in the driver's own thread, where reports of other trials wait meanwhile. */
const QUICK_MS = 10

interface Answer {
  readonly number: number
  readonly ready: Promise<void>
  advice?: { readonly of: Advice | undefined } | { readonly error: unknown }
}

/**
 * Answers at once for as long as that is quick, by `suggest`. Once it is not, and where there is a thread for it, answers
 * are worked out there, ahead of time: with the trials that ran or had ended by then. So there must be none for a single
 * slot, whose study would not follow from its seed any more.
 */
export function createAdviser(
  suggest: (history: History, number: number) => Advice | undefined,
  openThread: (() => AdviceThread) | undefined,
): Adviser {
  let isQuick = true
  let thread: AdviceThread | undefined
  let answer: Answer | undefined

  const work = (by: AdviceThread, history: History, number: number): Answer => {
    const settled = by.ask(history, number).then(
      (of) => void (own.advice = { of }),
      (error: unknown) => void (own.advice = { error }),
    )
    const own: Answer = { number, ready: settled }
    return own
  }
  return {
    advise: (history, number) => {
      if (isQuick || !openThread) {
        const from = performance.now()
        const advice = suggest(history, number)
        isQuick = performance.now() - from < QUICK_MS
        return advice
      }
      thread ??= openThread()
      if (answer?.number !== number) answer = work(thread, history, number)
      if (!answer.advice) return answer.ready
      if ('of' in answer.advice) return answer.advice.of
      throw rethrown(answer.advice.error)
    },
    isAhead: () => !isQuick && openThread !== undefined,
    close: async () => thread?.close(),
  }
}

function rethrown(error: unknown): unknown {
  return isTuneError(error) ? error : new Error(`the thread that works out suggestions failed: ${messageOf(error)}`, { cause: error }) // prettier-ignore
}
