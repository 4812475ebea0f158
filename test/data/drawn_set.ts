import type { Category, ImageSet, Scene, Segment } from '../../src/data/image_set.ts'

/** A scene for a test: rows of labels, which are also its picture (red is the label, green the row, blue the column). */
export interface DrawnScene {
  readonly height: number
  readonly width: number
  readonly labelAt: (y: number, x: number) => number
  readonly segments?: readonly Omit<Segment, 'id' | 'area'>[]
}

export const CATEGORIES: readonly Category[] = [
  { id: 10, name: 'sky', isThing: false },
  { id: 20, name: 'cat', isThing: true },
  { id: 30, name: 'road', isThing: false },
  { id: 40, name: 'dog', isThing: true },
]

/** An `ImageSet` in memory, as the reader would give it. */
export function drawnSet(drawn: readonly DrawnScene[]): ImageSet {
  const total = drawn.reduce((sum, { height, width }) => sum + height * width, 0)
  const pixels = new Uint8Array(3 * total)
  const labels = new Uint16Array(total)
  let at = 0
  const scenes = drawn.map(({ height, width, labelAt, segments = [] }, n): Scene => {
    const start = at
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        labels[at] = labelAt(y, x)
        pixels.set([labels[at]! % 256, y, x], 3 * at)
      }
    }
    const own = labels.subarray(start, at)
    const listed = segments.map((segment, i) => ({
      ...segment,
      id: i + 1,
      area: own.filter((label) => label === i + 1).length,
    }))
    return { imageId: n, file: `${n}.png`, height, width, at: start, segments: listed }
  })
  return { id: 'drawn', categories: CATEGORIES, scenes, pixels, labels }
}

/** The labels of a picture on which rectangles lie, later ones on top; label n is rectangle n - 1, 0 where none is. */
export function rectangles(boxes: readonly { y: number; x: number; height: number; width: number }[]) {
  return (y: number, x: number): number =>
    boxes.findLastIndex((box) => y >= box.y && y < box.y + box.height && x >= box.x && x < box.x + box.width) + 1
}
