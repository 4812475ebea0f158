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
  const isLeft = new Uint8Array(table.values.length)
  const grow = ({ rows, sorted }: Within, low: Float64Array, high: Float64Array): void => {
    const cut = bestCut(table, { rows, sorted }, minRows)
    if (!cut) {
      leaves.push({ low, high, mean: meanOf(table.values, rows) })
      return
    }
    const column = table.columns[cut.dim]!
    let left = 0
    for (const row of rows) left += isLeft[row] = Number(column[row]! <= cut.at)
    const side = (wanted: 0 | 1): Within => {
      const count = wanted === 1 ? left : rows.length - left
      const part = (order: Int32Array) => partOf(order, isLeft, wanted, count)
      return { rows: part(rows), sorted: sorted.map(part) }
    }
    const [below, above] = [side(1), side(0)]
    grow(below, low, high.with(cut.dim, cut.at))
    grow(above, low.with(cut.dim, cut.at), high)
  }
  // Sorted once: the part of an order that lies in a box is the order of that part.
  const sorted = table.columns.map((column) => rows.toSorted((a, b) => column[a]! - column[b]!))
  grow({ rows, sorted }, new Float64Array(dims), new Float64Array(dims).fill(1))
  return leaves
}

/** So many rows of an order that are on one side of a cut, in that order. */
function partOf(order: Int32Array, isLeft: Uint8Array, wanted: 0 | 1, count: number): Int32Array {
  const part = new Int32Array(count)
  let end = 0
  for (let i = 0; i < order.length; i++) {
    if (isLeft[order[i]!] === wanted) part[end++] = order[i]!
  }
  return part
}

/** The rows in a box, in their order and in that of each column. */
interface Within {
  readonly rows: Int32Array
  readonly sorted: readonly Int32Array[]
}

interface Cut {
  readonly dim: number
  readonly at: number
}

/** The cut with the largest sum of squared means: what is left of the squared error is the rest. */
function bestCut({ columns, values }: Table, { rows, sorted }: Within, minRows: number): Cut | undefined {
  const count = rows.length
  if (count < 2 * minRows) return undefined
  let total = 0
  for (const row of rows) total += values[row]!
  let most = (total * total) / count
  // A gain within rounding is none.
  most += 1e-12 * Math.abs(most) + Number.MIN_VALUE
  let best: Cut | undefined
  for (const [dim, column] of columns.entries()) {
    const order = sorted[dim]!
    let left = 0
    for (let i = 0; i + minRows < count; i++) {
      left += values[order[i]!]!
      const [here, next] = [column[order[i]!]!, column[order[i + 1]!]!]
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
