import { imageCount, type ImageStatistics } from './image_statistics.ts'

/** From so many images on intervals cover as they say, whatever the simulated world (`npm run bench -- statistics`). */
const ENOUGH_IMAGES = 20

/** Why intervals over these images may be narrower than they should be, in words; undefined where nothing says so. */
export function intervalCaveat({ classes, classOf, starts }: ImageStatistics): string | undefined {
  const images = imageCount({ starts })
  if (images < ENOUGH_IMAGES) return `${images} images are few: intervals may hold the truth only 90 times in 100`
  const imagesOf = new Uint32Array(classes)
  for (const c of classOf) imagesOf[c]! += 1
  const present = imagesOf.filter((count) => count > 0).length
  const lone = imagesOf.filter((count) => count === 1).length
  if (lone === 0) return undefined
  return `${lone} of ${present} classes ${lone === 1 ? 'is' : 'are'} in one image only: nothing says how far off they are`
}
