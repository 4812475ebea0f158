/** A signal that Ctrl-C or SIGTERM aborts; `done` gives both back to the process. */
export interface Interruption {
  readonly signal: AbortSignal
  done(): void
}

/**
 * The first Ctrl-C lets running trials end at their next training step, and their results so far are dropped: whoever
 * continues runs them again. The second ends the process at once, which loses nothing more.
 */
export function interruptible(
  say: (text: string) => void,
  note = 'what runs now is run again when you continue',
): Interruption {
  const controller = new AbortController()
  const stop = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      done()
      process.kill(process.pid, name)
      return
    }
    say(`stopping: ${note}; once more ends at once`)
    controller.abort()
  }
  const done = () => {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return { signal: controller.signal, done }
}
