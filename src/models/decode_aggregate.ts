import { TuneError } from '../errors.ts'
import type { JointHistogram, PredictedSegment } from '../eval/segments.ts'
import { leastHeat, type Center } from './centers.ts'
import { decodeDefaults, type DecodeOptions } from './decode.ts'
import { candidates, nearestOf } from './nearest.ts'
import type { Peaks } from './peaks.ts'
import type { Aggregate } from './preaggregate.ts'

/** How the pixels of ground truth and prediction coincide, and what was predicted: what `countSegments` reads. */
export interface DecodedAggregate {
  readonly joint: JointHistogram
  readonly segments: readonly PredictedSegment[]
}

/**
 * The joint histogram that `decodePanoptic` and `jointHistogram` would give, without a map in between. The window has to
 * be one of those that the aggregate was made for.
 */
export function decodeAggregate(aggregate: Aggregate, options: DecodeOptions = {}): DecodedAggregate {
  const { classes, rows } = aggregate
  const { threshold, nmsKernel, topK, stuffArea } = decodeDefaults(options)
  const centers = centersOf(aggregate.peaks, threshold, nmsKernel, topK)
  const { hits, votes } = assign(aggregate, centers)
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
  for (const [category, area] of stuffAreas(stuff, rows, aggregate.isStuff).entries()) {
    if (area === 0 || area < stuffArea) continue
    segments.push({ category })
    columns.push(category)
  }

  // The last column is for labels beyond the segments, of which a decoded map has none.
  const width = segments.length + 2
  const pixels = new Uint32Array(rows * width)
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
  return centers.filter(({ score }) => score > kth).sort((a, b) => a.y - b.y || a.x - b.x)
}

/** Pixels at each centre by row (centres x rows) and by class (centres x classes). */
function assign({ classes, rows, cells: { blocks, cells, ...pixels } }: Aggregate, centers: readonly Center[]) {
  const hits = new Uint32Array(centers.length * rows)
  const votes = new Uint32Array(centers.length * classes)
  if (centers.length === 0) return { hits, votes }
  const add = (center: number, key: number, count: number) => {
    const row = Math.floor(key / classes)
    hits[center * rows + row]! += count
    votes[center * classes + key - row * classes]! += count
  }
  const addGroup = (center: number, { keys, counts, starts }: typeof cells, group: number) => {
    for (let n = starts[group]!; n < starts[group + 1]!; n++) add(center, keys[n]!, counts[n]!)
  }

  const ys = Float64Array.from(centers, ({ y }) => y)
  const xs = Float64Array.from(centers, ({ x }) => x)
  const everyone = Int32Array.from(centers.keys())
  const [nearBlock, nearCell] = [everyone.slice(), everyone.slice()]
  const squares = new Float64Array(centers.length)
  for (let b = 0; b + 1 < blocks.parts.length; b++) {
    const inBlock = candidates(everyone, centers.length, ys, xs, blocks.bounds, 4 * b, squares, nearBlock)
    if (inBlock === 1) {
      addGroup(nearBlock[0]!, blocks, b)
      continue
    }
    for (let c = blocks.parts[b]!; c < blocks.parts[b + 1]!; c++) {
      const inCell = candidates(nearBlock, inBlock, ys, xs, cells.bounds, 4 * c, squares, nearCell)
      if (inCell === 1) {
        addGroup(nearCell[0]!, cells, c)
        continue
      }
      for (let p = cells.parts[c]!; p < cells.parts[c + 1]!; p++) {
        add(nearestOf(nearCell, inCell, ys, xs, pixels.ys[p]!, pixels.xs[p]!), pixels.keys[p]!, 1)
      }
    }
  }
  return { hits, votes }
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
function stuffAreas(stuff: Uint32Array, rows: number, isStuff: Uint8Array): Float64Array {
  const areas = new Float64Array(isStuff.length)
  for (let row = 0, key = 0; row < rows; row++) {
    for (let category = 0; category < areas.length; category++, key++) {
      if (isStuff[category]) areas[category]! += stuff[key]!
    }
  }
  return areas
}

function sum(a: Uint32Array, b: Uint32Array): Uint32Array {
  return a.map((value, i) => value + b[i]!)
}
