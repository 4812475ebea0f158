import { normalCdf } from '../../normal.ts'

/** Half a cell is at least 1.64 deviations: a kernel is never narrower than its cell. */
const NARROWEST = 0.5 / 1.64

/**
 * The density of counted observations on the cells of an ordered grid: a normal kernel at each, cut off at the ends, as
 * wide as Scott's rule says (1992), and one as wide as the grid for what may come. Sums to 1.
 */
export function orderedDensity(counts: ArrayLike<number>): Float64Array {
  const cells = counts.length
  const density = new Float64Array(cells)
  let total = 0
  for (let cell = 0; cell < cells; cell++) total += counts[cell]!
  const kernels = kernelTable(cells, Math.max(NARROWEST, scott(counts, total)))
  for (let cell = 0; cell < cells; cell++) {
    if (counts[cell]! > 0) addKernel(density, kernels, cell, counts[cell]! / (total + 1))
  }
  addWideKernel(density, 1 / (total + 1))
  return density
}

/** The same where cells have no order: each observation says most of its own cell, and a little of all. */
export function unorderedDensity(counts: ArrayLike<number>): Float64Array {
  const cells = counts.length
  let [total, seen] = [0, 0]
  for (let cell = 0; cell < cells; cell++) {
    total += counts[cell]!
    if (counts[cell]! > 0) seen++
  }
  const little = 1 / (seen + 1)
  const kernel = 1 + cells * little
  return Float64Array.from({ length: cells }, (_, cell) => {
    return ((counts[cell]! + total * little) / kernel + 1 / cells) / (total + 1)
  })
}

/** The bandwidth by Scott's rule: 1.059 times the smaller of deviation and scaled interquartile range, n^-1/5 as wide. */
function scott(counts: ArrayLike<number>, total: number): number {
  let sum = 0
  for (let cell = 0; cell < counts.length; cell++) sum += counts[cell]! * cell
  const mean = sum / total
  let squares = 0
  for (let cell = 0; cell < counts.length; cell++) squares += counts[cell]! * (cell - mean) ** 2
  const deviation = Math.sqrt(squares / Math.max(1, total - 1))
  const range = placeAt(counts, Math.floor((3 * total) / 4) + 1) - placeAt(counts, Math.floor(total / 4))
  return 1.059 * Math.min(range / 1.34, deviation) * total ** -0.2
}

/** The cell in which so many observations are reached; the last one with any where there are fewer. */
function placeAt(counts: ArrayLike<number>, wanted: number): number {
  let [seen, last] = [0, 0]
  for (let cell = 0; cell < counts.length; cell++) {
    if (counts[cell] === 0) continue
    last = cell
    seen += counts[cell]!
    if (seen >= wanted) break
  }
  return last
}

/** The probability below each edge of a cell, by its distance from a kernel's: below[i] is for the one i - cells + 0.5 away. */
function kernelTable(cells: number, width: number): Float64Array {
  const below = new Float64Array(2 * cells)
  // The other half follows by symmetry.
  for (let i = 0; i < cells; i++) below[i] = normalCdf((i - cells + 0.5) / width)
  for (let i = cells; i < below.length; i++) below[i] = 1 - below[2 * cells - 1 - i]!
  return below
}

function addKernel(density: Float64Array, below: Float64Array, at: number, weight: number): void {
  const cells = density.length
  const first = cells - at - 1
  const scale = weight / (below[first + cells]! - below[first]!)
  for (let cell = 0, low = below[first]!; cell < cells; cell++) {
    const high = below[first + cell + 1]!
    density[cell] = density[cell]! + scale * (high - low)
    low = high
  }
}

function addWideKernel(density: Float64Array, weight: number): void {
  const cells = density.length
  const edge = (cell: number) => normalCdf((cell - cells / 2) / cells)
  const scale = weight / (edge(cells) - edge(0))
  for (let cell = 0; cell < cells; cell++) density[cell]! += scale * (edge(cell + 1) - edge(cell))
}
