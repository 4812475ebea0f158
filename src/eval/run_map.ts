import type { IdRuns } from '../data/png_runs.ts'

/** Labels of an image row by row, as runs that may cross rows. Every label is below `levels`. */
interface RunMapBase {
  readonly width: number
  readonly height: number
  /** Void, the segments, and last the label of every pixel that is neither. */
  readonly levels: number
}

/** One word a run: the pixel it ends before x 256 + its label. Half the memory, and the form that is scored fast. */
export interface PackedRuns extends RunMapBase {
  readonly kind: 'packed'
  readonly runs: Uint32Array
}

/** For images of 2^24 pixels and more, or of more than 254 segments. */
export interface WideRuns extends RunMapBase {
  readonly kind: 'wide'
  readonly ends: Uint32Array
  readonly labels: Uint16Array
}

export type RunMap = PackedRuns | WideRuns

/** Segments that fit a map: void and the unlisted take two labels of 16 bits. */
export const MOST_SEGMENTS = 65_534

/** Whether runs of such an image fit into words of 24 bits for the pixel and 8 for the label. */
export function isPackable(pixels: number, levels: number): boolean {
  return pixels < 2 ** 24 && levels <= 256
}

/** Runs from their ends and labels; equal neighbours become one. */
export function runMap(width: number, height: number, levels: number, ends: Uint32Array, labels: Uint16Array): RunMap {
  let runs = 0
  for (let i = 0; i < ends.length; i++) if (labels[i] !== labels[i + 1]) runs++
  const packed = isPackable(width * height, levels) ? new Uint32Array(runs) : undefined
  const wide = { ends: new Uint32Array(packed ? 0 : runs), labels: new Uint16Array(packed ? 0 : runs) }
  for (let i = 0, to = 0; i < ends.length; i++) {
    if (labels[i] === labels[i + 1]) continue
    if (packed) packed[to] = ends[i]! * 256 + labels[i]!
    else {
      wide.ends[to] = ends[i]!
      wide.labels[to] = labels[i]!
    }
    to++
  }
  return packed ? { kind: 'packed', width, height, levels, runs: packed } : { kind: 'wide', width, height, levels, ...wide } // prettier-ignore
}

/** Labels of runs of ids: n for `segments[n - 1]`, 0 for id 0 unless it is listed, `segments.length + 1` for any other. */
export function labelRuns({ width, height, ends, ids }: IdRuns, segments: readonly { readonly id: number }[]): RunMap {
  const labelOf = new Map([[0, 0], ...segments.map(({ id }, i) => [id, i + 1] as const)])
  const unlisted = segments.length + 1
  const labels = new Uint16Array(ids.length)
  // Runs alternate between few ids: most are one of the last two.
  let [id, label, idBefore, labelBefore] = [0, labelOf.get(0)!, 0, labelOf.get(0)!]
  for (let i = 0; i < ids.length; i++) {
    const next = ids[i]!
    const found = next === idBefore ? labelBefore : (labelOf.get(next) ?? unlisted)
    idBefore = id
    labelBefore = label
    id = next
    label = labels[i] = found
  }
  return runMap(width, height, unlisted + 1, ends, labels)
}

/** Ends and labels of any map; views where it is wide. */
export function widened(map: RunMap): { readonly ends: Uint32Array; readonly labels: Uint16Array } {
  if (map.kind === 'wide') return map
  return { ends: map.runs.map((run) => run >>> 8), labels: Uint16Array.from(map.runs, (run) => run & 0xff) }
}

/** A label for each pixel, row by row. */
export function toLabels(map: RunMap): Uint16Array {
  const { ends, labels } = widened(map)
  const pixels = new Uint16Array(map.width * map.height)
  for (let i = 0, from = 0; i < ends.length; from = ends[i++]!) pixels.fill(labels[i]!, from, ends[i])
  return pixels
}

/** Pixels of each label below `levels`. */
export function areasOf(map: RunMap): Uint32Array {
  const areas = new Uint32Array(map.levels)
  let from = 0
  if (map.kind === 'packed') {
    for (let i = 0; i < map.runs.length; i++) {
      const run = map.runs[i]!
      areas[run & 0xff]! += (run >>> 8) - from
      from = run >>> 8
    }
    return areas
  }
  for (let i = 0; i < map.ends.length; i++) {
    areas[map.labels[i]!]! += map.ends[i]! - from
    from = map.ends[i]!
  }
  return areas
}

/** What is wrong with runs that others wrote, or undefined: ends rise to the last pixel, labels are those of the segments. */
export function flawOf(map: RunMap, segments: number): string | undefined {
  const pixels = map.width * map.height
  const { ends, labels } = widened(map)
  let from = 0
  for (let i = 0; i < ends.length; i++) {
    if (ends[i]! <= from) return `run ${i} ends at pixel ${ends[i]}, where the one before it ends at ${from}`
    if (labels[i]! > segments) return `run ${i} has label ${labels[i]}, but there are ${segments} segments`
    from = ends[i]!
  }
  return from === pixels ? undefined : `its runs end at pixel ${from} of ${pixels}`
}
