/** A piece of output: a whole line that may be a report, or anything else. */
export interface Piece {
  readonly bytes: Buffer
  readonly isLine: boolean
}

/** Longer lines are no reports: 1 MiB. */
const MOST_BYTES = 2 ** 20

/**
 * Cuts output, however it comes, at the lines that have one of some words; what is between them stays together, for there
 * may be gigabytes of it. Holds no more than one line.
 */
export function lineCutter(words: readonly string[], most = MOST_BYTES) {
  const pattern = new RegExp(words.map(patternOf).join('|'), 'g')
  let held: Buffer[] = []
  let heldBytes = 0
  let isTooLong = false

  function* cut(lines: Buffer): Generator<Piece> {
    let from = 0
    for (const { index } of lines.toString('latin1').matchAll(pattern)) {
      if (index < from) continue // another word of the same line
      const start = lines.lastIndexOf(NEWLINE, index) + 1
      if (start > from) yield { bytes: lines.subarray(from, start), isLine: false }
      const end = lines.indexOf(NEWLINE, index)
      from = end < 0 ? lines.length : end + 1
      yield { bytes: lines.subarray(start, from), isLine: true }
    }
    if (from < lines.length) yield { bytes: lines.subarray(from), isLine: false }
  }

  function* endLine(bytes: Buffer): Generator<Piece> {
    const line = held.length === 0 ? bytes : Buffer.concat([...held, bytes])
    held = []
    heldBytes = 0
    if (isTooLong) yield { bytes: line, isLine: false }
    else yield* cut(line)
    isTooLong = false
  }

  return {
    /** What a chunk completes. */
    *add(chunk: Buffer): Generator<Piece> {
      const first = chunk.indexOf(NEWLINE) + 1
      const last = chunk.lastIndexOf(NEWLINE) + 1
      if (first > 0) yield* endLine(chunk.subarray(0, first))
      yield* cut(chunk.subarray(first, last))
      const rest = chunk.subarray(last)
      heldBytes += rest.length
      held.push(rest)
      if (heldBytes <= most) return
      isTooLong = true
      yield* endLine(Buffer.alloc(0))
      isTooLong = true
    },
    /** What came after the last line's end. */
    end: (): Generator<Piece> => endLine(Buffer.alloc(0)),
  }
}

const NEWLINE = 10

/** How a name stands in JSON: as it is or, where it has other characters, in any of several ways. */
function patternOf(word: string): string {
  return /^[\w @./:-]+$/.test(word) ? `"${word.replaceAll('.', '\\.')}"` : '\\{'
}
