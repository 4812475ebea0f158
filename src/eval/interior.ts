/**
 * 1 where a pixel and all around it, up to `reach` pixels away in each direction and diagonally, have the same value and
 * lie in the image; else 0. It is the erosion of each value's mask by a square of 2 reach + 1, all masks at once and in
 * two passes, whatever the reach: first along the rows, then along the columns over what the rows left.
 */
export function interiorOf(values: Uint32Array | Int32Array, width: number, height: number, reach: number): Uint8Array {
  const inRow = new Uint8Array(values.length)
  for (let y = 0; y < height; y++) {
    let from = y * width
    const end = from + width
    for (let to = from; from < end; from = to) {
      while (to < end && values[to] === values[from]) to++
      inRow.fill(1, Math.min(to, from + reach), Math.max(Math.min(to, from + reach), to - reach))
    }
  }
  const inside = new Uint8Array(values.length)
  /** Pixels of the same value upwards without a break, all of them inside their rows. */
  const run = new Uint32Array(width)
  const needed = 2 * reach + 1
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const goesOn = y > 0 && values[i] === values[i - width]
      run[x] = inRow[i] ? (goesOn ? run[x]! + 1 : 1) : 0
      if (run[x]! >= needed) inside[i - reach * width] = 1
    }
  }
  return inside
}
