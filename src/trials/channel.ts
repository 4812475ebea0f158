import type { MessagePort } from 'node:worker_threads'

/**
 * An async generator across a message port. The reader asks and the other side answers, one answer a question, in order;
 * `abort` is answered by nothing. While nobody asks, the generator stands still.
 */
type Question = 'next' | 'return' | 'abort'

type Answer = { readonly result: IteratorResult<unknown, void> } | { readonly error: PlainError }

/** What is left of an error when its class is gone. */
interface PlainError {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  readonly hint?: string
}

/** Answers for a generator until it has ended, and resolves then. */
export function serve(
  port: MessagePort,
  reports: AsyncGenerator<unknown, void, void>,
  stop: AbortController,
): Promise<void> {
  return new Promise((resolve) => {
    const answer = async (question: 'next' | 'return') => {
      const reply = await ask(reports, question)
      try {
        port.postMessage(reply)
      } catch (error) {
        // A yielded value that cannot be sent, such as a function: the trial ends by it.
        await ask(reports, 'return')
        port.postMessage({ error: plain(error) } satisfies Answer)
        return resolve()
      }
      if ('error' in reply || reply.result.done === true) resolve()
    }
    port.on('message', (question: Question) => {
      if (question === 'abort') stop.abort()
      else void answer(question)
    })
  })
}

async function ask(reports: AsyncGenerator<unknown, void, void>, question: 'next' | 'return'): Promise<Answer> {
  try {
    return { result: await (question === 'next' ? reports.next() : reports.return()) }
  } catch (error) {
    return { error: plain(error) }
  }
}

function plain(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack } = error
  const text = (field: 'code' | 'hint') => {
    const value: unknown = Reflect.get(error, field)
    return typeof value === 'string' ? { [field]: value } : {}
  }
  return { name, message, ...(stack !== undefined && { stack }), ...text('code'), ...text('hint') }
}

/** The reader's end of a served generator. */
export interface Remote {
  next(): Promise<IteratorResult<unknown, void>>
  /** Ends the generator: resolves when its `finally` has run, at once where it has ended already. */
  return(): Promise<void>
  abort(): void
  /** Whoever waits still is told that there is nothing more or, where the other side is gone, that by its error. */
  close(error?: Error): void
}

const DONE = { done: true, value: undefined } as const

export function remote(port: MessagePort): Remote {
  const waiting: { resolve(result: IteratorResult<unknown, void>): void; reject(error: Error): void }[] = []
  let ended = false
  let lost: Error | undefined

  port.on('message', (answer: Answer) => {
    const reader = waiting.shift()
    if ('error' in answer) {
      ended = true
      reader?.reject(Object.assign(new Error(answer.error.message), answer.error))
      return
    }
    if (answer.result.done === true) ended = true
    reader?.resolve(answer.result)
  })
  const send = (question: 'next' | 'return') =>
    new Promise<IteratorResult<unknown, void>>((resolve, reject) => {
      if (lost) return reject(lost)
      if (ended) return resolve(DONE)
      waiting.push({ resolve, reject })
      port.postMessage(question)
    })
  return {
    next: () => send('next'),
    return: async () => {
      if (!ended && !lost) await send('return')
    },
    abort: () => port.postMessage('abort' satisfies Question),
    close: (error) => {
      ended = true
      lost ??= error
      for (const reader of waiting.splice(0)) {
        if (error) reader.reject(error)
        else reader.resolve(DONE)
      }
      port.close()
    },
  }
}
