/** What Ctrl-C and SIGTERM ask for; `done` gives both back to the process. */
export interface Interruption {
  /** Aborted to begin nothing more. */
  readonly drain: AbortSignal
  /** Aborted to stop what runs. */
  readonly signal: AbortSignal
  /** What the process exits with then: 130 after Ctrl-C, 143 after SIGTERM. */
  exitCode(): number
  done(): void
}

/** What is said when something is asked for. */
export interface Interrupting {
  /** Absent where there is nothing to end by itself: then the first Ctrl-C stops at once. */
  readonly drain?: string
  readonly stop: string
}

/** For what keeps nothing. */
export const NOTHING_KEPT: Interrupting = { stop: 'stopping: nothing of it is kept; once more ends at once' }

/** For trials. */
export const TRIALS: Interrupting = {
  drain: 'finishing: the trials that run go on to their end, no others start; Ctrl-C again stops them',
  stop: 'stopping: the trials that run go on from their last checkpoint when you continue; once more ends at once',
}

/**
 * The first Ctrl-C lets what runs end and begins nothing more, the second stops it, and the third ends the process and its
 * children at once. SIGTERM stops at once, and ends when it comes again.
 */
export function interruptible(say: (text: string) => void, texts: Interrupting): Interruption {
  const drain = new AbortController()
  const stop = new AbortController()
  let code = 130
  const hear = (name: NodeJS.Signals) => {
    code = name === 'SIGTERM' ? 143 : 130
    if (stop.signal.aborted) {
      done()
      die(name, code)
    } else if (name === 'SIGTERM' || texts.drain === undefined || drain.signal.aborted) {
      say(texts.stop)
      drain.abort()
      stop.abort()
    } else {
      say(texts.drain)
      drain.abort()
    }
  }
  const done = () => {
    process.off('SIGINT', hear)
    process.off('SIGTERM', hear)
  }
  process.on('SIGINT', hear)
  process.on('SIGTERM', hear)
  return { drain: drain.signal, signal: stop.signal, exitCode: () => code, done }
}

/** Ends the process by a signal, which no thread of it can hold up; those who wait for its exit are told before. */
function die(name: NodeJS.Signals, code: number): void {
  process.emit('exit', code)
  process.kill(process.pid, name)
}
