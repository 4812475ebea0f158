/** A box of the unit cube, and the mean of the values in it. */
export interface Leaf {
  readonly low: Float64Array
  readonly high: Float64Array
  readonly mean: number
}

/** Points as columns, one a dimension, and a value each. */
export interface Table {
  readonly columns: readonly Float64Array[]
  readonly values: Float64Array
}

/**
 * The leaves of a regression tree (Breiman et al. 1984) over some rows of a table: a box is cut, in the middle between two
 * points, where that leaves the least squared error, as long as each side has `minRows` and the values differ.
 */
export function treeLeaves(table: Table, rows: Int32Array, minRows: number): readonly Leaf[] {
  const dims = table.columns.length
  const leaves: Leaf[] = []
  const grow = (within: Int32Array, low: Float64Array, high: Float64Array): void => {
    const cut = bestCut(table, within, minRows)
    if (!cut) {
      leaves.push({ low, high, mean: meanOf(table.values, within) })
      return
    }
    const column = table.columns[cut.dim]!
    grow(
      within.filter((row) => column[row]! <= cut.at),
      low,
      high.with(cut.dim, cut.at),
    )
    grow(
      within.filter((row) => column[row]! > cut.at),
      low.with(cut.dim, cut.at),
      high,
    )
  }
  grow(rows, new Float64Array(dims), new Float64Array(dims).fill(1))
  return leaves
}

interface Cut {
  readonly dim: number
  readonly at: number
}

/** The cut with the largest sum of squared means: what is left of the squared error is the rest. */
function bestCut({ columns, values }: Table, rows: Int32Array, minRows: number): Cut | undefined {
  const count = rows.length
  if (count < 2 * minRows) return undefined
  let total = 0
  for (const row of rows) total += values[row]!
  let most = (total * total) / count
  // A gain within rounding is none.
  most += 1e-12 * Math.abs(most) + Number.MIN_VALUE
  let best: Cut | undefined
  for (const [dim, column] of columns.entries()) {
    const sorted = rows.toSorted((a, b) => column[a]! - column[b]!)
    let left = 0
    for (let i = 0; i + minRows < count; i++) {
      left += values[sorted[i]!]!
      const [here, next] = [column[sorted[i]!]!, column[sorted[i + 1]!]!]
      if (i + 1 < minRows || here === next) continue
      const squares = left ** 2 / (i + 1) + (total - left) ** 2 / (count - i - 1)
      if (squares <= most) continue
      most = squares
      best = { dim, at: (here + next) / 2 }
    }
  }
  return best
}

function meanOf(values: Float64Array, rows: Int32Array): number {
  let sum = 0
  for (const row of rows) sum += values[row]!
  return sum / rows.length
}
