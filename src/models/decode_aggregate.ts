import { TuneError } from '../errors.ts'
import type { JointHistogram, PredictedSegment } from '../eval/segments.ts'
import { leastHeat, type Center } from './centers.ts'
import type { Level } from './cells.ts'
import { decodeDefaults, type DecodeOptions } from './decode.ts'
import { candidates, nearestOf } from './nearest.ts'
import type { Peaks } from './peaks.ts'
import type { Aggregate } from './preaggregate.ts'

/** How the pixels of ground truth and prediction coincide, and what was predicted: what `countSegments` reads. */
export interface DecodedAggregate {
  readonly joint: JointHistogram
  readonly segments: readonly PredictedSegment[]
}

/** Memory that calls share: to allocate it takes longer than to decode a small image. */
export interface Scratch {
  hits: Uint32Array
  votes: Uint32Array
  pixels: Uint32Array
  areas: Float64Array
  ys: Float64Array
  xs: Float64Array
  squares: Float64Array
  everyone: Int32Array
  inBlock: Int32Array
  inCell: Int32Array
}

export function newScratch(): Scratch {
  const [whole, real, signed] = [new Uint32Array(0), new Float64Array(0), new Int32Array(0)]
  return {
    hits: whole,
    votes: whole,
    pixels: whole,
    areas: real,
    ys: real,
    xs: real,
    squares: real,
    everyone: signed,
    inBlock: signed,
    inCell: signed,
  }
}

/**
 * The joint histogram that `decodePanoptic` and `jointHistogram` would give, without a map in between. The window has to
 * be one of those that the aggregate was made for. With scratch the histogram lies in it, until the next call.
 */
export function decodeAggregate(
  aggregate: Aggregate,
  options: DecodeOptions = {},
  scratch: Scratch = newScratch(),
): DecodedAggregate {
  const { classes, rows } = aggregate
  const { threshold, nmsKernel, topK, stuffArea } = decodeDefaults(options)
  const centers = centersOf(aggregate.peaks, threshold, nmsKernel, topK)
  const { hits, votes } = assign(aggregate, centers, scratch)
  // Without a centre a pixel of the foreground is what its class says: stuff, or void.
  const stuff = centers.length > 0 ? aggregate.stuff : sum(aggregate.stuff, aggregate.things)

  const segments: PredictedSegment[] = []
  // Where a segment's column of pixels by row lies: its first place in `hits`, or its class among the stuff.
  const columns: number[] = []
  for (let c = 0; c < centers.length; c++) {
    const category = majority(votes, c * classes, classes)
    if (category < 0) continue
    segments.push({ category })
    columns.push(c)
  }
  const things = columns.length
  const areas = stuffAreas(stuff, rows, aggregate.isStuff, scratch)
  for (let category = 0; category < classes; category++) {
    const area = areas[category]!
    if (area === 0 || area < stuffArea) continue
    segments.push({ category })
    columns.push(category)
  }

  // The last column is for labels beyond the segments, of which a decoded map has none.
  const width = segments.length + 2
  scratch.pixels = zeroed(scratch.pixels, rows * width)
  const pixels = scratch.pixels.subarray(0, rows * width)
  for (let row = 0; row < rows; row++) {
    let outside = aggregate.totals[row]!
    for (let n = 0; n < columns.length; n++) {
      const count = n < things ? hits[columns[n]! * rows + row]! : stuff[row * classes + columns[n]!]!
      pixels[row * width + n + 1] = count
      outside -= count
    }
    pixels[row * width] = outside
  }
  return { joint: { pixels, columns: width }, segments }
}

/** The centres for some choice, row by row. */
function centersOf(peaks: Peaks, threshold: number, nmsKernel: number, topK: number): Center[] {
  const { ys, xs, scores, windows, kernels } = peaks
  if (nmsKernel < kernels.least || nmsKernel > kernels.most) {
    throw new TuneError(
      'params/invalid',
      `nmsKernel is ${nmsKernel}; peaks were gathered for ${kernels.least} to ${kernels.most}`,
      { hint: 'give preaggregate() the range of windows that will be asked for' },
    )
  }
  const least = leastHeat(threshold)
  const centers: Center[] = []
  for (let i = 0; i < scores.length && scores[i]! > least && centers.length < topK; i++) {
    if (windows[i]! >= nmsKernel) centers.push({ y: ys[i]!, x: xs[i]!, score: scores[i]! })
  }
  // The `topK`-th and all that equal it are dropped.
  const kth = centers[topK - 1]?.score ?? least
  return centers.filter(({ score }) => score > kth).toSorted((a, b) => a.y - b.y || a.x - b.x)
}

/** Pixels at each centre by row (centres x rows) and by class (centres x classes). */
function assign(
  { classes, rows, cells: { blocks, cells, ...pixels } }: Aggregate,
  centers: readonly Center[],
  scratch: Scratch,
): Tables {
  const count = centers.length
  scratch.hits = zeroed(scratch.hits, count * rows)
  scratch.votes = zeroed(scratch.votes, count * classes)
  const tables = { hits: scratch.hits, votes: scratch.votes, rows, classes }
  if (count === 0) return tables
  if (scratch.everyone.length < count) growLists(scratch, count)
  const { ys, xs, squares, everyone, inBlock, inCell } = scratch
  for (let i = 0; i < count; i++) {
    ys[i] = centers[i]!.y
    xs[i] = centers[i]!.x
  }
  for (let b = 0; b + 1 < blocks.parts.length; b++) {
    const nearBlock = candidates(everyone, count, ys, xs, blocks.bounds, 4 * b, squares, inBlock)
    if (nearBlock === 1) {
      addGroup(tables, inBlock[0]!, blocks, b)
      continue
    }
    for (let c = blocks.parts[b]!; c < blocks.parts[b + 1]!; c++) {
      const nearCell = candidates(inBlock, nearBlock, ys, xs, cells.bounds, 4 * c, squares, inCell)
      if (nearCell === 1) {
        addGroup(tables, inCell[0]!, cells, c)
        continue
      }
      for (let p = cells.parts[c]!; p < cells.parts[c + 1]!; p++) {
        const center = nearestOf(inCell, nearCell, ys, xs, pixels.ys[p]!, pixels.xs[p]!)
        addPixels(tables, center, pixels.keys[p]!, 1)
      }
    }
  }
  return tables
}

interface Tables {
  readonly hits: Uint32Array
  readonly votes: Uint32Array
  readonly rows: number
  readonly classes: number
}

function addGroup(tables: Tables, center: number, { keys, counts, starts }: Level, group: number): void {
  const end = starts[group + 1]!
  for (let n = starts[group]!; n < end; n++) addPixels(tables, center, keys[n]!, counts[n]!)
}

function addPixels({ hits, votes, rows, classes }: Tables, center: number, key: number, count: number): void {
  const row = Math.floor(key / classes)
  hits[center * rows + row]! += count
  votes[center * classes + key - row * classes]! += count
}

function growLists(scratch: Scratch, count: number): void {
  const length = 2 * count
  scratch.ys = new Float64Array(length)
  scratch.xs = new Float64Array(length)
  scratch.squares = new Float64Array(length)
  scratch.everyone = Int32Array.from({ length }, (_, i) => i)
  scratch.inBlock = new Int32Array(length)
  scratch.inCell = new Int32Array(length)
}

/** An array with at least so many zeros at its start. */
function zeroed(array: Uint32Array, length: number): Uint32Array {
  return array.length < length ? new Uint32Array(2 * length) : array.fill(0, 0, length)
}

/** The class with most votes, the lowest of equals; -1 where there are none. */
function majority(votes: Uint32Array, from: number, classes: number): number {
  let best = -1
  let most = 0
  for (let category = 0; category < classes; category++) {
    if (votes[from + category]! <= most) continue
    best = category
    most = votes[from + category]!
  }
  return best
}

/** Pixels by class: 0 for a class that is no stuff. */
function stuffAreas(stuff: Uint32Array, rows: number, isStuff: Uint8Array, scratch: Scratch): Float64Array {
  const classes = isStuff.length
  if (scratch.areas.length < classes) scratch.areas = new Float64Array(classes)
  const areas = scratch.areas.fill(0, 0, classes)
  for (let row = 0, key = 0; row < rows; row++) {
    for (let category = 0; category < classes; category++, key++) {
      if (isStuff[category]) areas[category]! += stuff[key]!
    }
  }
  return areas
}

function sum(a: Uint32Array, b: Uint32Array): Uint32Array {
  return a.map((value, i) => value + b[i]!)
}
