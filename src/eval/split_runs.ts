/** Where two lists of packed runs of the same image are cut in the middle. */
export interface Split {
  /** The runs of each list that hold pixel `half`. */
  readonly i: number
  readonly j: number
  /** How far the runs before these two reach together; at most `half`. From there on these two hold every pixel. */
  readonly reached: number
  readonly half: number
  readonly pixels: number
}

/** Cuts at the middle pixel, so that both halves can be walked at once. */
export function splitRuns(a: Uint32Array, b: Uint32Array): Split {
  const pixels = a[a.length - 1]! >>> 8
  const half = pixels >>> 1
  const [i, j] = [runAt(a, half), runAt(b, half)]
  const reached = Math.max(i === 0 ? 0 : a[i - 1]! >>> 8, j === 0 ? 0 : b[j - 1]! >>> 8)
  return { i, j, reached, half, pixels }
}

/** The run that holds a pixel: the first that ends after it. */
function runAt(runs: Uint32Array, pixel: number): number {
  let [low, high] = [0, runs.length - 1]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (runs[middle]! >>> 8 > pixel) high = middle
    else low = middle + 1
  }
  return low
}
