import type { Category, ImageSet } from './image_set.ts'
import { UNLISTED } from './labels.ts'

/** What is in a set, in numbers. */
export interface ImageSetSummary {
  readonly scenes: number
  readonly pixels: number
  /** Pixels without a label. */
  readonly voidPixels: number
  /** Pixels of segments that the JSON does not list. */
  readonly unlistedPixels: number
  readonly categories: readonly CategorySummary[]
}

interface CategorySummary extends Category {
  readonly segments: number
  /** How many of the segments are crowds. */
  readonly crowds: number
  readonly pixels: number
}

/** Counts segments and pixels, in all and by class, crowds included. */
export function imageSetSummary({ categories, scenes, labels }: ImageSet): ImageSetSummary {
  const tallies = categories.map((category) => ({ ...category, segments: 0, crowds: 0, pixels: 0 }))
  const total = { scenes: scenes.length, pixels: 0, voidPixels: 0, unlistedPixels: 0 }
  for (const { at, height, width, segments } of scenes) {
    const unlisted = segments.length + 1
    const areas = new Uint32Array(unlisted + 1)
    for (let i = at; i < at + height * width; i++) areas[labels[i] === UNLISTED ? unlisted : labels[i]!]!++
    total.pixels += height * width
    total.voidPixels += areas[0]!
    total.unlistedPixels += areas[unlisted]!
    for (const [i, { category, isCrowd }] of segments.entries()) {
      const tally = tallies[category]!
      tally.segments++
      tally.crowds += isCrowd ? 1 : 0
      tally.pixels += areas[i + 1]!
    }
  }
  return { ...total, categories: tallies }
}
