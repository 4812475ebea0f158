import { lostError } from './lost.ts'

export interface ExecutorOptions {
  /** Milliseconds that an objective has to end once it was asked to; then it is ended by force. Default: 10 s. */
  readonly graceMs?: number
}

export const GRACE_MS = 10_000

/** Where reports come from: an async generator, near or far. `return` resolves when its `finally` has run. */
export interface Source {
  next(): Promise<IteratorResult<unknown, void>>
  return(): Promise<unknown>
}

/** A trial that is being read. */
export interface Reading {
  readonly reports: AsyncGenerator<unknown, void, void>
  /** Ends it, whoever reads it: resolves when it has ended, by itself or by force. */
  end(): Promise<void>
}

/**
 * Reads a source until it ends, its reader stops, or `signal` asks it to end. From then on it has `graceMs`; after that
 * `force` ends it or says what became of it, and whoever waits for it is told that it was lost.
 */
export function startReading(
  source: Source,
  signal: AbortSignal,
  graceMs: number,
  force: () => Promise<string>,
): Reading {
  let giveUp: (error: Error) => void
  const forced = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  forced.catch(() => undefined) // there may be nobody waiting
  let timer: NodeJS.Timeout | undefined
  const expectEnd = () => {
    timer ??= setTimeout(async () => {
      const what = await force()
      giveUp(lostError(`did not stop within ${graceMs / 1000} s of being asked to, and ${what}`))
    }, graceMs)
  }
  const end = async () => {
    expectEnd()
    try {
      await Promise.race([source.return(), forced])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', expectEnd)
    }
  }
  async function* reports() {
    if (signal.aborted) expectEnd()
    signal.addEventListener('abort', expectEnd)
    try {
      for (;;) {
        const { done, value } = await Promise.race([source.next(), forced])
        if (done === true) return
        yield value
      }
    } finally {
      await end()
    }
  }
  return { reports: reports(), end }
}
