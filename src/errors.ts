/** What can go wrong before or around a trial, by the place where it is found. */
export type ErrorCode =
  | 'usage'
  | 'study/invalid'
  | 'study/changed'
  | 'study/unknown'
  | 'space/invalid'
  | 'params/invalid'
  | 'settings/unknown'
  | 'data/missing'
  | 'data/invalid'
  | 'model/invalid'
  | 'checkpoint/invalid'
  | 'device/none'
  | 'device/busy'
  | 'store/locked'
  | 'store/taken'
  | 'store/invalid'
  | 'store/newer'
  | 'results/unwritable'

/**
 * A mistake that its user can mend: `message` says what happened, where, and shows the offending value; `hint` says
 * what to do. Everything else that is thrown is a bug of ours and surfaces with its stack.
 */
export class TuneError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TuneError'
    this.code = code
    this.hint = options.hint
  }
}

/** True for a `TuneError` of any copy of this module: a study file may carry its own. */
export function isTuneError(error: unknown): error is TuneError {
  return error instanceof Error && error.name === 'TuneError' && 'code' in error
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The candidate closest to a mistyped word by edit distance, or undefined when none is near enough to be meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)[0]
  // Of a word of one or two letters hardly anything is left after two edits.
  const most = Math.min(word.length - 1, Math.max(2, word.length / 3))
  return near && near.distance <= most ? near.candidate : undefined
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (letter === b[j - 1] ? 0 : 1)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, substitute))
    }
    row = next
  }
  return row[b.length]!
}
