import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensureDir } from '../results.ts'
import { stream, type Rng } from '../rng.ts'
import { encodeIds, encodeRgb } from './png_encode.ts'
import { SHAPE_CATEGORIES } from './shape_categories.ts'
import { drawScene, type ShapeScene, type ShapeSegment } from './shape_scene.ts'

/** Bytes of every file written, by its path inside the data set. */
export type FileSizes = Readonly<Record<string, number>>

interface SplitOptions {
  readonly size: number
  readonly train: number
  readonly val: number
  readonly heldout: number
  readonly seed: number
}

const SPLIT_NUMBERS = { train: 1, val: 2, heldout: 3 }

/**
 * Writes one split in the COCO panoptic format. Every scene has its own stream of chance, so that the scenes of one
 * split do not depend on how many the others have, and no two splits share one.
 */
export function writeShapesSplit(dir: string, split: keyof typeof SPLIT_NUMBERS, options: SplitOptions): FileSizes {
  const [photos, labels] = [join('images', split), `panoptic_${split}`]
  ensureDir(join(dir, photos))
  mkdirSync(join(dir, labels))
  const files: Record<string, number> = {}
  const write = (file: string, content: Uint8Array) => {
    files[file] = content.length
    writeFileSync(join(dir, file), content)
  }
  const images = []
  const annotations = []
  for (let i = 0; i < options[split]; i++) {
    const rng = stream(options.seed, 'shapes', split, i)
    const scene = drawScene(options.size, rng)
    const ids = segmentIds(scene.segments, rng)
    const name = `${split}_${String(i + 1).padStart(5, '0')}.png`
    const image = {
      id: 1_000_000 * SPLIT_NUMBERS[split] + i + 1,
      file_name: name,
      width: scene.size,
      height: scene.size,
    }
    images.push(image)
    annotations.push({ image_id: image.id, file_name: name, segments_info: describeSegments(scene, ids) })
    write(join(photos, name), encodeRgb({ ...image, pixels: scene.pixels }))
    write(join(labels, name), encodeIds({ ...image, ids: Uint32Array.from(scene.labels, (label) => ids[label]!) }))
  }
  const info = { description: `Generated scenes of panoptune, split ${split}` }
  const categories = SHAPE_CATEGORIES.map(({ isThing, ...category }) => {
    return { ...category, isthing: isThing ? 1 : 0, supercategory: isThing ? 'shape' : 'texture' }
  })
  write(`${labels}.json`, Buffer.from(JSON.stringify({ info, licenses: [], images, annotations, categories })))
  return files
}

/** Void's 0, then an id for each segment: the colour of its class, varied until no other segment has it. */
function segmentIds(segments: readonly ShapeSegment[], rng: Rng): readonly number[] {
  const ids = [0]
  for (const { name } of segments) {
    const { color, isThing } = categoryOf(name)
    const vary = (channel: number) => Math.min(255, Math.max(0, channel + (isThing ? rng.below(61) - 30 : 0)))
    let id = 0
    while (ids.includes(id)) id = vary(color[0]) + 256 * vary(color[1]) + 65_536 * vary(color[2])
    ids.push(id)
  }
  return ids
}

function describeSegments({ size, labels, segments }: ShapeScene, ids: readonly number[]) {
  const boxes = segments.map(() => ({ left: size, top: size, right: -1, bottom: -1, area: 0 }))
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const box = boxes[labels[y * size + x]! - 1]
      if (!box) continue
      box.left = Math.min(box.left, x)
      box.top = Math.min(box.top, y)
      box.right = Math.max(box.right, x)
      box.bottom = Math.max(box.bottom, y)
      box.area++
    }
  }
  return boxes.map(({ left, top, right, bottom, area }, i) => {
    const { name, isCrowd } = segments[i]!
    const bbox = [left, top, right - left + 1, bottom - top + 1]
    return { id: ids[i + 1], category_id: categoryOf(name).id, iscrowd: isCrowd ? 1 : 0, bbox, area }
  })
}

function categoryOf(name: ShapeSegment['name']) {
  const category = SHAPE_CATEGORIES.find((category) => category.name === name)
  if (!category) throw new RangeError(`no category ${name}`)
  return category
}
