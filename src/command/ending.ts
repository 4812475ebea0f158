import { constants } from 'node:os'
import { basename } from 'node:path'
import type { Ending } from './program.ts'

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
