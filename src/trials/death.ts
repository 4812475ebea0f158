import { lostError } from './lost.ts'
import { isOutOfMemory, memoryError } from './memory_errors.ts'

/** How a worker process ended before its trial did. */
export interface Death {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last of what it wrote to stderr. */
  readonly lastWords: string
  /** Whether the kernel has ended a process for want of memory while it ran. */
  readonly kernelKilled: boolean
}

/** What a process died of, as the error that its trial fails by. */
export function deathError(death: Death): Error {
  const { code, signal, lastWords, kernelKilled } = death
  const line = fatalLine(lastWords)
  if (signal === 'SIGKILL' && kernelKilled) return memoryError('its process was ended by the kernel: out of memory')
  if (isOutOfMemory(new Error(line ?? ''))) return memoryError(`its process ran out of memory: ${line}`)
  const said = line === undefined ? '' : `: ${line}`
  if (signal === null) return lostError(`its process ended by itself with exit code ${code}${said}`)
  return lostError(`its process ${WAYS[signal] ?? 'was ended'} (${signal})${said}`)
}

const WAYS: Partial<Record<NodeJS.Signals, string>> = {
  SIGSEGV: 'crashed: it used memory that is not its own',
  SIGBUS: 'crashed: it used memory that is not there',
  SIGILL: 'crashed: this processor lacks an instruction that it uses',
  SIGFPE: 'crashed: it divided by zero',
  SIGABRT: 'gave up',
  SIGKILL: 'was killed',
}

/** What says most of the last words: the line of V8, or of whatever gave up. */
function fatalLine(text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  // Frames of a stack come after it.
  const line = lines.findLast(
    (one) => /fatal|error|terminate|what\(\)|abort|assert/i.test(one) && !/^(\d+: 0x|at |#\d)/.test(one),
  )
  return line?.slice(0, MOST_CHARACTERS)
}

const MOST_CHARACTERS = 300
