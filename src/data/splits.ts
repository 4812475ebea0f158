import { join } from 'node:path'
import { isTuneError, TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import type { ImageSet } from './image_set.ts'
import { openImageSet } from './open.ts'
import { writeShapes } from './shapes.ts'

/** A data set's three parts: to train on, to tune on, and one that decides nothing until the end. */
export interface Splits {
  readonly train: ImageSet
  readonly val: ImageSet
  readonly heldOut: ImageSet
}

export interface SplitsOptions {
  /** `shapes`, generated on first use, or a directory in the COCO panoptic format. */
  readonly data: string
  readonly cacheDir: string
  /** Side of the generated scenes, in pixels. Default 64. */
  readonly size?: number
  /** Take at most so many images of each split; 0, the default, takes all. */
  readonly limit?: number
  readonly progress?: (message: string) => void
}

/**
 * Opens train, val and held-out images. A directory's held-out split is `heldout` or `test`; without one every second
 * val image is held out, so that the final comparison is never on images that chose the winner.
 */
export async function openSplits({ data, cacheDir, size = 64, limit = 0, progress = () => {} }: SplitsOptions): Promise<Splits> {
  if (data === '') throw new TuneError('usage', 'this study needs a data set', { hint: 'give a COCO panoptic directory: --set data=DIR' })
  const dir = data === 'shapes' ? join(cacheDir, `shapes-${size}`) : data
  if (data === 'shapes') await writeShapes(dir, { size, progress })
  const open = (split: string) => openImageSet({ dir, split, cacheDir, progress, ...(limit > 0 ? { limit } : {}) })
  const [train, val] = [await open('train'), await open('val')]
  const heldOut = (await openIfThere(() => open('heldout'))) ?? (await openIfThere(() => open('test')))
  if (heldOut) return sameCategories({ train, val, heldOut })
  progress(`${dir} has no split heldout or test: every second val image is held out for the final comparison`)
  const halves = [0, 1].map((half) => subset(val, [...val.scenes.keys()].filter((index) => index % 2 === half)))
  return sameCategories({ train, val: halves[0]!, heldOut: halves[1]! })
}

/** Some scenes of a set; the memory stays shared. */
export function subset(set: ImageSet, indices: readonly number[]): ImageSet {
  return { ...set, id: fingerprint([set.id, indices]), scenes: indices.map((index) => set.scenes[index]!) }
}

async function openIfThere(open: () => Promise<ImageSet>): Promise<ImageSet | undefined> {
  try {
    return await open()
  } catch (error) {
    if (isTuneError(error) && error.code === 'data/missing') return undefined
    throw error
  }
}

/** A network's classes are those of its training set: the other splits must number them alike. */
function sameCategories(splits: Splits): Splits {
  const names = (set: ImageSet) => set.categories.map(({ id, name, isThing }) => `${id} ${name} ${isThing ? 'thing' : 'stuff'}`)
  const wanted = names(splits.train)
  for (const [split, set] of Object.entries(splits)) {
    const other = names(set).findIndex((name, index) => name !== wanted[index])
    if (other < 0 && set.categories.length === wanted.length) continue
    throw new TuneError('data/invalid', `the categories of split '${split}' are not those of 'train': ${names(set)[other] ?? 'none'} against ${wanted[Math.max(0, other)]}`)
  }
  return splits
}
