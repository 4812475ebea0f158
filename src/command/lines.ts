/** A piece of output: a whole line, or a part of one that is too long to be a report. */
export interface Piece {
  /** With the end of the line. */
  readonly bytes: Buffer
  readonly isLine: boolean
}

/** Longer lines are no reports: 1 MiB. */
export const MOST_BYTES = 2 ** 20

/** Cuts output into lines, however it comes; holds no more than one of them. */
export function lineCutter(most = MOST_BYTES) {
  let held: Buffer[] = []
  let heldBytes = 0
  let isTooLong = false
  const take = (bytes: Buffer, isWhole: boolean): Piece => {
    const piece = { bytes: held.length === 0 ? bytes : Buffer.concat([...held, bytes]), isLine: isWhole && !isTooLong }
    isTooLong = !isWhole
    held = []
    heldBytes = 0
    return piece
  }
  return {
    /** The lines that end in a chunk. */
    *add(chunk: Buffer): Generator<Piece> {
      let from = 0
      for (let to = chunk.indexOf(10); to >= 0; to = chunk.indexOf(10, from)) {
        yield take(chunk.subarray(from, to + 1), true)
        from = to + 1
      }
      const rest = chunk.subarray(from)
      if (heldBytes + rest.length > most) return yield take(rest, false)
      if (rest.length > 0) held.push(rest)
      heldBytes += rest.length
    },
    /** What came after the last line's end. */
    *end(): Generator<Piece> {
      if (heldBytes > 0) yield take(Buffer.alloc(0), true)
    },
  }
}
