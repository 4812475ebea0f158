import type { IdRuns } from '../data/png_runs.ts'

/** Labels of an image row by row, as runs that may cross rows. Every label is below `levels`. */
interface RunMapBase {
  readonly width: number
  readonly height: number
  /** Void, the segments, and last the label of every pixel that is neither. */
  readonly levels: number
}

/** One word a run: the pixel it ends before x 256 + its label. Half the memory, and the form that is scored fast. */
interface PackedRuns extends RunMapBase {
  readonly kind: 'packed'
  readonly runs: Uint32Array
}

/** For images of 2^24 pixels and more, or of more than 254 segments. */
interface WideRuns extends RunMapBase {
  readonly kind: 'wide'
  readonly ends: Uint32Array
  readonly labels: Uint16Array
}

export type RunMap = PackedRuns | WideRuns

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
  const unlisted = segments.length + 1
  const { keys, values, shift } = tableOf(segments)
  const labels = new Uint16Array(ids.length)
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    let at = Math.imul(id, SCATTER) >>> shift
    while (keys[at] !== id && keys[at] !== NOTHING) at = (at + 1) & (keys.length - 1)
    labels[i] = keys[at] === id ? values[at]! : unlisted
  }
  return runMap(width, height, unlisted + 1, ends, labels)
}

/** Ids of PNGs have 24 bits. */
const NOTHING = 0xffff_ffff
/** 2^32 / golden ratio: spreads neighbouring ids (Knuth, vol. 3, section 6.4). */
const SCATTER = 0x9e37_79b1

/** A hash table from ids to labels, a quarter full or less: several times as fast as a `Map`, for thousands of runs an image. */
function tableOf(segments: readonly { readonly id: number }[]) {
  const bits = Math.max(4, Math.ceil(Math.log2(4 * (segments.length + 1))))
  const keys = new Uint32Array(2 ** bits).fill(NOTHING)
  const values = new Uint16Array(keys.length)
  const put = (id: number, label: number) => {
    if (id < 0 || id > 0xff_ffff) return // in no PNG
    let at = Math.imul(id, SCATTER) >>> (32 - bits)
    while (keys[at] !== id && keys[at] !== NOTHING) at = (at + 1) & (keys.length - 1)
    keys[at] = id
    values[at] = label
  }
  put(0, 0)
  for (const [i, { id }] of segments.entries()) put(id, i + 1)
  return { keys, values, shift: 32 - bits }
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
