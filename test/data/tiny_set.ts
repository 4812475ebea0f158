import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { encodeIds, encodeRgb } from '../../src/data/png_encode.ts'

/** A directory that is gone after the test. */
export function scratchDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'panoptune-data-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export const WIDTH = 6
export const HEIGHT = 4

/** The JSON of two 6x4 images, as loosely typed as a file, so that a test can break any part of it. */
export function tinyJson() {
  return {
    images: [
      { id: 7, file_name: 'seven.png', width: WIDTH, height: HEIGHT },
      { id: 'eight', file_name: 'eight.png', width: WIDTH, height: HEIGHT },
    ] as Record<string, unknown>[],
    annotations: [
      {
        image_id: 'eight',
        file_name: 'eight_labels.png',
        segments_info: [{ id: 5, category_id: 20, iscrowd: 0, area: 24 }] as Record<string, unknown>[],
      },
      {
        image_id: 7,
        file_name: 'seven_labels.png',
        segments_info: [
          { id: 300, category_id: 10, iscrowd: 0, area: 6 },
          { id: 70_000, category_id: 10, iscrowd: 1, area: 6 },
          { id: 1, category_id: 20, iscrowd: 0, area: 6 },
        ] as Record<string, unknown>[],
      },
    ] as Record<string, unknown>[] & { segments_info: Record<string, unknown>[] }[],
    categories: [
      { id: 10, name: 'car', isthing: 1 },
      { id: 20, name: 'road', isthing: 0 },
    ] as Record<string, unknown>[],
  }
}

/** The ids of image 7: a row of each of its segments, and a row of void. */
export function sevenIds(): Uint32Array {
  return Uint32Array.from({ length: WIDTH * HEIGHT }, (_, i) => [300, 70_000, 1, 0][Math.floor(i / WIDTH)]!)
}

/** The pixels of a 6x4 photograph, other ones for another start. */
export function tinyPhoto(start: number): Uint8Array {
  return Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => (start + 5 * i) % 256)
}

/** Writes the tiny set as the split `val`; `json` may be a broken one. */
export function writeTinySet(dir: string, json: unknown = tinyJson()): void {
  for (const folder of ['images/val', 'panoptic_val']) mkdirSync(join(dir, folder), { recursive: true })
  const size = { width: WIDTH, height: HEIGHT }
  writeFileSync(join(dir, 'panoptic_val.json'), typeof json === 'string' ? json : JSON.stringify(json))
  writeFileSync(join(dir, 'images/val/seven.png'), encodeRgb({ ...size, pixels: tinyPhoto(0) }))
  writeFileSync(join(dir, 'images/val/eight.png'), encodeRgb({ ...size, pixels: tinyPhoto(100) }))
  writeFileSync(join(dir, 'panoptic_val/seven_labels.png'), encodeIds({ ...size, ids: sevenIds() }))
  const eight = new Uint32Array(WIDTH * HEIGHT).fill(5)
  writeFileSync(join(dir, 'panoptic_val/eight_labels.png'), encodeIds({ ...size, ids: eight }))
}
