import { AsyncLocalStorage } from 'node:async_hooks'
import { appendLog } from '../log_file.ts'
import { logFile } from '../results.ts'

/** A trial's log: what its objective prints, and the stack of what it throws. Its size is bounded: see `appendLog`. */
export interface TrialLog {
  /** Runs some of the trial: what it prints to stdout or stderr, now or later, goes to the log instead. */
  capture<T>(run: () => T): T
  write(text: string): void
}

/** The file that printed text goes to; it follows asynchronous calls, so that trials of one thread stay apart. */
const sink = new AsyncLocalStorage<string>()
let isDiverted = false

export function openLog(dir: string): TrialLog {
  divert()
  const file = logFile(dir)
  return { capture: (run) => sink.run(file, run), write: (text) => appendLog(file, text) }
}

/** Sends what a trial prints to its log. */
function divert(): void {
  if (isDiverted) return
  isDiverted = true
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: readonly unknown[]) => boolean
    stream.write = (chunk: string | Uint8Array, ...rest: readonly unknown[]) => {
      const file = sink.getStore()
      if (file === undefined) return write(chunk, ...rest)
      appendLog(file, chunk)
      const done = rest.find((argument) => typeof argument === 'function')
      if (done) queueMicrotask(() => done())
      return true
    }
  }
}
