import { linearOf, nearestOf, type Blend } from '../data/axis.ts'
import type { HeadMaps } from './decode.ts'

/**
 * What the heads say about an image that was shown at another size, at its own: heat and offsets bilinear, offsets in the
 * pixels of the own size, classes and foreground from the nearest pixel.
 */
export function resizeMaps(maps: HeadMaps, height: number, width: number): HeadMaps {
  if (maps.height === height && maps.width === width) return maps
  const [down, across] = [height / maps.height, width / maps.width]
  const rows = { crop: height, start: 0, scale: down, length: maps.height, isFlipped: false }
  const columns = { crop: width, start: 0, scale: across, length: maps.width, isFlipped: false }
  const blend = blender(maps.width, linearOf(rows), linearOf(columns))
  const planes = { from: maps.height * maps.width, to: height * width }
  const center = new Float32Array(planes.to)
  const offset = new Float32Array(2 * planes.to)
  blend(maps.center, 1, center)
  blend(maps.offset.subarray(0, planes.from), down, offset.subarray(0, planes.to))
  blend(maps.offset.subarray(planes.from), across, offset.subarray(planes.to))

  const nearest = nearestPixels(nearestOf(rows), nearestOf(columns), maps.width)
  const semantic = Int32Array.from(nearest, (pixel) => maps.semantic[pixel]!)
  const foreground = maps.foreground && Uint8Array.from(nearest, (pixel) => maps.foreground![pixel]!)
  return { height, width, semantic, center, offset, ...(foreground && { foreground }) }
}

function nearestPixels(rows: Int32Array, columns: Int32Array, width: number): Int32Array {
  const pixels = new Int32Array(rows.length * columns.length)
  for (let y = 0, i = 0; y < rows.length; y++) {
    for (let x = 0; x < columns.length; x++, i++) pixels[i] = rows[y]! * width + columns[x]!
  }
  return pixels
}

/** Writes a plane of that width in another size: each value is a mean of up to four, times a factor. */
function blender(width: number, rows: Blend, columns: Blend) {
  return (plane: Float32Array, factor: number, out: Float32Array): void => {
    for (let y = 0, i = 0; y < rows.first.length; y++) {
      for (let x = 0; x < columns.first.length; x++, i++) {
        let value = 0
        for (let k = 0; k < rows.count[y]!; k++) {
          const share = rows.shares[y * rows.reach + k]!
          const at = (rows.first[y]! + k) * width + columns.first[x]!
          for (let j = 0; j < columns.count[x]!; j++) {
            value += share * columns.shares[x * columns.reach + j]! * plane[at + j]!
          }
        }
        out[i] = factor * value
      }
    }
  }
}
