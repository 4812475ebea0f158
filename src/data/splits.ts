import { resolve } from 'node:path'
import { TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { hasSplit } from './coco_dir.ts'
import type { DamagedPolicy } from './damaged.ts'
import type { ImageSet } from './image_set.ts'
import { openImageSet } from './open.ts'
import { openShapes, shapesDir } from './shapes.ts'

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
  /** What becomes of missing and damaged training images. Those to score must be whole. Default `error`. */
  readonly damaged?: DamagedPolicy
  readonly progress?: (message: string) => void
}

/**
 * Opens train, val and held-out images. A directory's held-out split is `heldout` or `test`; without one every second
 * val image is held out, so that the final comparison is never on images that chose the winner.
 */
export async function openSplits({
  data,
  cacheDir,
  size = 64,
  limit = 0,
  damaged = 'error',
  progress = () => {},
}: SplitsOptions): Promise<Splits> {
  checkGiven(data)
  const options = { cacheDir, progress, ...(limit > 0 ? { limit } : {}) }
  if (data === 'shapes') {
    const open = (split: 'train' | 'val' | 'heldout') => openShapes({ ...options, size, split })
    return { train: await open('train'), val: await open('val'), heldOut: await open('heldout') }
  }
  const open = (split: string) => openImageSet({ ...options, dir: data, split })
  const [train, val] = [await openImageSet({ ...options, dir: data, split: 'train', damaged }), await open('val')]
  const third = ['heldout', 'test'].find((split) => hasSplit(data, split))
  if (third !== undefined) return sameCategories({ train, val, heldOut: await open(third) })
  progress(`${data} has no split heldout or test: every second val image is held out for the final comparison`)
  const half = (part: number) => [...val.scenes.keys()].filter((index) => index % 2 === part)
  return sameCategories({ train, val: subset(val, half(0)), heldOut: subset(val, half(1)) })
}

/**
 * The directory that `openSplits` reads, for programs that open it themselves: `shapes` is generated on first use, with the
 * splits `train`, `val` and `heldout`.
 */
export async function splitsDir({
  data,
  size = 64,
  ...options
}: Pick<SplitsOptions, 'data' | 'size' | 'cacheDir' | 'progress'>): Promise<string> {
  checkGiven(data)
  return data === 'shapes' ? shapesDir({ ...options, size }) : resolve(data)
}

function checkGiven(data: string): void {
  if (data !== '') return
  throw new TuneError('usage', 'this study needs a data set', {
    hint: 'give a COCO panoptic directory: --set data=DIR',
  })
}

/** Some scenes of a set; the memory stays shared. */
function subset(set: ImageSet, indices: readonly number[]): ImageSet {
  return { ...set, id: fingerprint([set.id, indices]), scenes: indices.map((index) => set.scenes[index]!) }
}

/** A network's classes are those of its training set: the other splits must number them alike. */
function sameCategories(splits: Splits): Splits {
  const names = (set: ImageSet) =>
    set.categories.map(({ id, name, isThing }) => `${id} ${name} ${isThing ? 'thing' : 'stuff'}`)
  const wanted = names(splits.train)
  for (const [split, set] of Object.entries(splits)) {
    const other = names(set).findIndex((name, index) => name !== wanted[index])
    if (other < 0 && set.categories.length === wanted.length) continue
    throw new TuneError(
      'data/invalid',
      `the categories of split '${split}' are not those of 'train': ${names(set)[other] ?? 'none'} against ${wanted[Math.max(0, other)]}`,
    )
  }
  return splits
}
