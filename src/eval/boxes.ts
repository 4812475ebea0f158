import { widened, type RunMap } from './run_map.ts'

/** Left, top, width and height, in pixels. */
export type Box = readonly [number, number, number, number]

/** The box around the pixels of each label; zeros where it has none. */
export function boxesOf(map: RunMap): readonly Box[] {
  const { width } = map
  const { ends, labels } = widened(map)
  const left = new Uint32Array(map.levels).fill(width)
  const right = new Uint32Array(map.levels)
  const top = new Uint32Array(map.levels)
  const bottom = new Uint32Array(map.levels)
  for (let i = 0, from = 0; i < ends.length; from = ends[i++]!) {
    const [label, last] = [labels[i]!, ends[i]! - 1]
    const [firstRow, lastRow] = [Math.floor(from / width), Math.floor(last / width)]
    // A run that goes on in the next row has the last pixel of one and the first of the other.
    const isOneRow = firstRow === lastRow
    left[label] = Math.min(left[label]!, isOneRow ? from - firstRow * width : 0)
    right[label] = Math.max(right[label]!, isOneRow ? last - lastRow * width + 1 : width)
    if (bottom[label] === 0) top[label] = firstRow
    bottom[label] = lastRow + 1
  }
  return Array.from(left, (x, label): Box => {
    if (bottom[label] === 0) return [0, 0, 0, 0]
    return [x, top[label]!, right[label]! - x, bottom[label]! - top[label]!]
  })
}
