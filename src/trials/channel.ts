/** One end of a way for messages: to a thread or a process. They arrive in order, or not at all. */
export interface Port {
  /** Throws where a message cannot be sent, such as a function. */
  send(message: unknown): void
  /** Hears messages until what it gives is called. */
  listen(hear: (message: unknown) => void): () => void
}

/**
 * An async generator across such a way. The reader asks and the other side answers, one answer a question, in order;
 * `abort` is answered by nothing, `ping` at once. While nobody asks, the generator stands still.
 */
type Question = 'next' | 'return' | 'abort' | 'ping'

type Answer = { readonly result: IteratorResult<unknown, void> } | { readonly error: PlainError } | 'pong'

/** What is left of an error when its class is gone. */
interface PlainError {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  readonly hint?: string
}

/** Answers for a generator until it has ended, and resolves then. */
export function serve(port: Port, reports: AsyncGenerator<unknown, void, void>, stop: AbortController): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      unlisten()
      resolve()
    }
    const answer = async (question: 'next' | 'return') => {
      const reply = await ask(reports, question)
      try {
        port.send(reply)
      } catch (error) {
        // A yielded value that cannot be sent, such as a function: the trial ends by it.
        await ask(reports, 'return')
        port.send({ error: plain(error) } satisfies Answer)
        return end()
      }
      if ('error' in reply || reply.result.done === true) end()
    }
    const unlisten = port.listen((message) => {
      const question = message as Question
      if (question === 'abort') stop.abort()
      else if (question === 'ping') port.send('pong' satisfies Answer)
      else void answer(question)
    })
  })
}

async function ask(
  reports: AsyncGenerator<unknown, void, void>,
  question: 'next' | 'return',
): Promise<Exclude<Answer, 'pong'>> {
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
  /** Resolves when the other side answers: it is not stuck in a call. */
  ping(): Promise<void>
  /** Whoever waits still is told that there is nothing more or, where the other side is gone, that by its error. */
  close(error?: Error): void
}

const DONE = { done: true, value: undefined } as const

export function remote(port: Port): Remote {
  const waiting: { resolve(result: IteratorResult<unknown, void>): void; reject(error: Error): void }[] = []
  const pinging: (() => void)[] = []
  let ended = false
  let lost: Error | undefined

  const unlisten = port.listen((message) => {
    const answer = message as Answer
    if (answer === 'pong') return pinging.shift()?.()
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
      port.send(question)
    })
  return {
    next: () => send('next'),
    return: async () => {
      if (!ended && !lost) await send('return')
    },
    abort: () => port.send('abort' satisfies Question),
    ping: () =>
      new Promise((resolve) => {
        pinging.push(resolve)
        port.send('ping' satisfies Question)
      }),
    close: (error) => {
      ended = true
      lost ??= error
      for (const reader of waiting.splice(0)) {
        if (error) reader.reject(error)
        else reader.resolve(DONE)
      }
      unlisten()
    },
  }
}
