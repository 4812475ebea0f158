import { constants } from 'node:os'
import { basename } from 'node:path'
import type { Ending } from './program.ts'

/** The last of what a program printed, to say why it failed. */
export function lastWords(most = 4096) {
  let kept = Buffer.alloc(0)
  return {
    add(bytes: Buffer): void {
      const recent = bytes.subarray(Math.max(0, bytes.length - most))
      kept = Buffer.concat([kept.subarray(Math.max(0, kept.length + recent.length - most)), recent])
    },
    /** The last line that says anything, without what only a terminal understands. */
    line(): string {
      const lines = kept.toString().split(/[\r\n]+/).map(printable).filter((line) => line !== '') // prettier-ignore
      return lines.at(-1)?.slice(0, 300) ?? ''
    },
    text: () => kept.toString(),
  }
}

/** `python3 train.py` */
export function nameOf([program, first = '-']: readonly string[]): string {
  const name = basename(program ?? '')
  return first.startsWith('-') ? name : `${name} ${basename(first)}`
}

/** How a program failed in a sentence, such as `python3 train.py ended with exit code 1: ValueError: lr is 0`. */
export function endingText(name: string, { code, signal }: Ending, lastLine: string): string {
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}${meaningOf(signal)}`
  return `${name} ${how}${lastLine === '' ? '' : `: ${lastLine}`}`
}

const MEANINGS: Partial<Readonly<Record<NodeJS.Signals, string>>> = {
  SIGSEGV: ', a memory access that is not allowed',
  SIGBUS: ', a memory access that failed',
  SIGFPE: ', an arithmetic error',
  SIGILL: ', an instruction that this processor does not know',
  SIGABRT: ', by itself',
  SIGKILL: ', as by a kernel that ran out of memory',
}

function meaningOf(signal: NodeJS.Signals): string {
  return MEANINGS[signal] ?? ''
}

/** Whether a program ran out of memory, its device's or the machine's, as far as one can tell. */
export function isOutOfMemory({ code, signal }: Ending, lastText: string): boolean {
  const isKilled = signal === 'SIGKILL' || code === 128 + constants.signals.SIGKILL
  return isKilled || /out of memory|CUBLAS_STATUS_ALLOC_FAILED|\bMemoryError\b|std::bad_alloc/i.test(lastText)
}

// oxlint-disable-next-line no-control-regex -- those are what is taken out
const CONTROLS = /\u001B\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g

function printable(line: string): string {
  return line.replaceAll(CONTROLS, '').trim()
}
