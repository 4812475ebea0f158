import type { Segment } from '../data/image_set.ts'
import { boxesOf } from './boxes.ts'
import type { EvalSegment } from './eval_set.ts'
import { areasOf, type RunMap } from './run_map.ts'

/** Bytes of a segment in all columns of the table. */
export const SEGMENT_BYTES = 44
const CROWD = 1
const WITHOUT_PIXELS = 2

/** Views of the columns of the segment table; the wider ones first, so that each is aligned. */
export function segmentColumns(memory: ArrayBufferLike, offset: number, count: number) {
  return {
    id: new Float64Array(memory, offset, count),
    area: new Float64Array(memory, offset + 8 * count, count),
    areaPixels: new Uint32Array(memory, offset + 16 * count, count),
    category: new Int32Array(memory, offset + 20 * count, count),
    flags: new Uint32Array(memory, offset + 24 * count, count),
    box: new Uint32Array(memory, offset + 28 * count, 4 * count),
  }
}

type Columns = ReturnType<typeof segmentColumns>

/** What the table says about a segment: as listed, and what the pixels show. */
export type SegmentRow = Segment & Pick<EvalSegment, 'areaPixels' | 'bbox'>

/** The segments of an image, with what its pixels say about them. */
export function segmentRows(segments: readonly Segment[], runs: RunMap): readonly SegmentRow[] {
  const [areas, boxes] = [areasOf(runs), boxesOf(runs)]
  return segments.map((segment, i) => ({ ...segment, areaPixels: areas[i + 1]!, bbox: boxes[i + 1]! }))
}

/** The bytes of the table of some segments. */
export function segmentTable(rows: readonly SegmentRow[]): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_BYTES * rows.length)
  const columns = segmentColumns(bytes.buffer, 0, rows.length)
  for (const [at, { id, category, isCrowd, area, areaPixels, bbox }] of rows.entries()) {
    columns.id[at] = id
    columns.area[at] = area
    columns.areaPixels[at] = areaPixels
    columns.category[at] = category
    columns.flags[at] = (isCrowd ? CROWD : 0) | (areaPixels === 0 ? WITHOUT_PIXELS : 0)
    columns.box.set(bbox, 4 * at)
  }
  return bytes
}

/** So many segments from row `first`. */
export function getSegments(columns: Columns, first: number, count: number): readonly EvalSegment[] {
  return Array.from({ length: count }, (_, i) => {
    const at = first + i
    const box = (side: number) => columns.box[4 * at + side]!
    return {
      id: columns.id[at]!,
      category: columns.category[at]!,
      isCrowd: (columns.flags[at]! & CROWD) !== 0,
      area: columns.area[at]!,
      areaPixels: columns.areaPixels[at]!,
      bbox: [box(0), box(1), box(2), box(3)] as const,
    }
  })
}
