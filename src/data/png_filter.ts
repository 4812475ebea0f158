/** PNG specification, section 9: each turns a filtered row into the row itself. `above` is the row before, or zeros. */
export const UNDO_FILTER: readonly ((row: Uint8Array, above: Uint8Array, step: number) => void)[] = [
  () => {},
  (row, _above, step) => {
    for (let i = step; i < row.length; i++) row[i]! += row[i - step]!
  },
  (row, above) => {
    for (let i = 0; i < row.length; i++) row[i]! += above[i]!
  },
  (row, above, step) => {
    for (let i = 0; i < step; i++) row[i]! += above[i]! >> 1
    for (let i = step; i < row.length; i++) row[i]! += (row[i - step]! + above[i]!) >> 1
  },
  (row, above, step) => {
    for (let i = 0; i < step; i++) row[i]! += above[i]!
    for (let i = step; i < row.length; i++) row[i]! += paeth(row[i - step]!, above[i]!, above[i - step]!)
  },
]

/** Filters an RGB row by Sub, Up and Paeth; gives the number and bytes of the one with the least sum of |difference|. */
export function filterRow(row: Uint8Array, above: Uint8Array): { readonly filter: number; readonly bytes: Uint8Array } {
  const sub = { filter: 1, bytes: new Uint8Array(row.length), sum: 0 }
  const up = { filter: 2, bytes: new Uint8Array(row.length), sum: 0 }
  const nearest = { filter: 4, bytes: new Uint8Array(row.length), sum: 0 }
  for (let i = 0; i < row.length; i++) {
    const left = i < 3 ? 0 : row[i - 3]!
    const upLeft = i < 3 ? 0 : above[i - 3]!
    sub.sum += magnitude((sub.bytes[i] = row[i]! - left))
    up.sum += magnitude((up.bytes[i] = row[i]! - above[i]!))
    nearest.sum += magnitude((nearest.bytes[i] = row[i]! - paeth(left, above[i]!, upLeft)))
  }
  const smaller = up.sum <= sub.sum ? up : sub
  return nearest.sum < smaller.sum ? nearest : smaller
}

/** The absolute value of a difference of bytes, read as a signed byte. */
function magnitude(difference: number): number {
  return Math.abs((difference << 24) >> 24)
}

/** The one of left, up and up-left that is nearest to `left + up - upLeft`. */
export function paeth(left: number, up: number, upLeft: number): number {
  const toLeft = Math.abs(up - upLeft)
  const toUp = Math.abs(left - upLeft)
  const toUpLeft = Math.abs(left + up - 2 * upLeft)
  if (toLeft <= toUp && toLeft <= toUpLeft) return left
  return toUp <= toUpLeft ? up : upLeft
}
