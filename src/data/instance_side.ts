import type { ImageSet } from './image_set.ts'

/**
 * How large instances typically are: the side of a square with the median area of a set's instances, in pixels. Crowds
 * do not count. Undefined where a set has no instances.
 */
export function instanceSide({ categories, scenes }: Pick<ImageSet, 'categories' | 'scenes'>): number | undefined {
  const areas = scenes
    .flatMap(({ segments }) => segments)
    .filter(({ category, isCrowd }) => !isCrowd && categories[category]?.isThing)
    .map(({ area }) => area)
    .toSorted((a, b) => a - b)
  const median = areas[areas.length >> 1]
  return median === undefined ? undefined : Math.sqrt(median)
}
