import type { Rle } from './coco_rle.ts'

/** Boundaries are followed at this many times the resolution of the pixels. */
const SCALE = 5

/**
 * The mask of a polygon x0, y0, x1, y1, ... in pixels, to the pixel as `rleFrPoly` of cocoapi's maskApi.c (8c9bcc3)
 * rasterises it. At least one point; a last x without its y is left out, as there.
 */
export function rleFromPolygon(polygon: readonly number[], height: number, width: number): Rle {
  const crossings = columnCrossings(outline(polygon), height, width)
  const sorted = Uint32Array.from([...crossings, height * width]).toSorted()
  // Two crossings at one place undo each other.
  const ends = [sorted[0]!]
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i]! > sorted[i - 1]!) ends.push(sorted[i]!)
    else if (++i < sorted.length) ends[ends.length - 1] = sorted[i]!
  }
  return { height, width, ends: Uint32Array.from(ends) }
}

/** Points of the longest outline that is followed, some thirty bytes each: twice around an image of 2^27 pixels are 2^19. */
const MOST_POINTS = 2 ** 24
/** Beyond any image, in pixels. */
const FARTHEST = 1e6

/** Whether an outline is short enough to be followed: a few corners far apart could fill any memory. */
export function isFollowable(polygon: readonly number[]): boolean {
  let points = 0
  for (let i = 0; i + 1 < polygon.length; i += 2) {
    const next = i + 3 < polygon.length ? i + 2 : 0
    points +=
      1 + SCALE * Math.max(Math.abs(polygon[next]! - polygon[i]!), Math.abs(polygon[next + 1]! - polygon[i + 1]!))
  }
  return points <= MOST_POINTS && polygon.every((n) => Math.abs(n) <= FARTHEST)
}

/** What any of the masks covers. All have one size; there is at least one. */
export function unionOf(rles: readonly [Rle, ...Rle[]]): Rle {
  return rles.reduce(unionOfTwo)
}

/** Points of an outline, each at most one step of the fine grid from the one before. */
interface Points {
  readonly x: Int32Array
  readonly y: Int32Array
}

function outline(polygon: readonly number[]): Points {
  const corners = Math.floor(polygon.length / 2)
  // Towards zero, as C converts to int.
  const corner = (i: number, axis: 0 | 1) => Math.trunc(SCALE * polygon[2 * (i % corners) + axis]! + 0.5)
  const [xs, ys]: [number[], number[]] = [[], []]
  for (let i = 0; i < corners; i++) {
    const [fromX, fromY, toX, toY] = [corner(i, 0), corner(i, 1), corner(i + 1, 0), corner(i + 1, 1)]
    const [dx, dy] = [Math.abs(toX - fromX), Math.abs(toY - fromY)]
    const isFlat = dx >= dy
    // Interpolated from the smaller end, so that an edge has the same points in both directions.
    const isBackwards = isFlat ? fromX > toX : fromY > toY
    const [x, y] = isBackwards ? [toX, toY] : [fromX, fromY]
    const steps = Math.max(dx, dy)
    const slope = (isFlat ? toY - fromY : toX - fromX) / (isBackwards ? -steps : steps)
    for (let step = 0; step <= steps; step++) {
      const t = isBackwards ? steps - step : step
      xs.push(isFlat ? x + t : Math.trunc(x + slope * t + 0.5))
      ys.push(isFlat ? Math.trunc(y + slope * t + 0.5) : y + t)
    }
  }
  return { x: Int32Array.from(xs), y: Int32Array.from(ys) }
}

/** Where the outline enters or leaves the centre line of a column of pixels, counted down the columns. */
function columnCrossings({ x, y }: Points, height: number, width: number): number[] {
  const crossings: number[] = []
  for (let i = 1; i < x.length; i++) {
    if (x[i] === x[i - 1]) continue
    const column = ((x[i]! < x[i - 1]! ? x[i]! : x[i]! - 1) + 0.5) / SCALE - 0.5
    if (Math.floor(column) !== column || column < 0 || column > width - 1) continue
    const row = (Math.min(y[i]!, y[i - 1]!) + 0.5) / SCALE - 0.5
    crossings.push(column * height + Math.ceil(Math.min(Math.max(row, 0), height)))
  }
  return crossings
}

function unionOfTwo(a: Rle, b: Rle): Rle {
  const ends: number[] = []
  let [i, j, before] = [0, 0, false]
  const size = a.height * a.width
  for (let at = 0; at < size;) {
    // An odd run is foreground.
    while (a.ends[i]! <= at) i++
    while (b.ends[j]! <= at) j++
    const inside = i % 2 === 1 || j % 2 === 1
    if (inside !== before) ends.push(at)
    before = inside
    at = Math.min(a.ends[i]!, b.ends[j]!)
  }
  return { height: a.height, width: a.width, ends: Uint32Array.from([...ends, size]) }
}
