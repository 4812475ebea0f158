import { join } from 'node:path'
import { messageOf, TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { findPanoptic, type PanopticPaths } from './coco_dir.ts'
import { parsePanoptic } from './coco_json.ts'
import { checkCategories, checkScenes, type ListedScene } from './coco_panoptic.ts'
import { checkDamaged, checkPolicy, isDamaged, orDamaged, type DamagedPolicy } from './damaged.ts'
import { decodeSet, type SceneSource, type SetIds } from './decode_set.ts'
import type { DamagedImage, ImageSet } from './image_set.ts'
import { readSetFile, SET_FILE_VERSION, writeSetFile, type StoredSet } from './set_file.ts'
import { inspectFile, readBytes, textOf } from './source_file.ts'

export interface OpenOptions {
  /** Where decoded sets are kept, one file each. Its files may be deleted at any time; they are made again. */
  readonly cacheDir: string
  /** Take at most so many images, the first of the JSON. Default: all. */
  readonly limit?: number
  /** What becomes of missing and damaged images. To be `error`, the default, for images to score. */
  readonly damaged?: DamagedPolicy
  /** More of them than this share of all images are an error in any case. Default 0.01. */
  readonly damagedShare?: number
  /** Told what takes long, and what is odd about the data although it is legal. */
  readonly progress?: (message: string) => void
}

/**
 * Opens one split of a COCO panoptic directory: photographs and labels, checked, decoded, in memory that workers share.
 * The first opening decodes every file; later ones read a cache, which counts only while no file has changed.
 * Throws `data/missing` or `data/invalid` for the first thing that is wrong.
 *
 *     const val = await openImageSet({ dir: 'data/dsb2018', split: 'val', cacheDir })
 */
export async function openImageSet(
  options: OpenOptions & { readonly dir: string; readonly split: string },
): Promise<ImageSet> {
  return openPanoptic(findPanoptic(options.dir, options.split), options)
}

/** `openImageSet` where photographs, JSON and label PNGs lie anywhere. */
export async function openPanoptic(paths: PanopticPaths, options: OpenOptions): Promise<ImageSet> {
  const { cacheDir, limit = Infinity, damaged: policy = 'error', damagedShare = 0.01, progress = () => {} } = options
  if (!(limit >= 1)) throw new TuneError('usage', `a limit of ${limit} images`, { hint: 'take at least 1' })
  checkPolicy(policy)
  const text = readBytes(paths.json, 'the JSON of the labels')
  const json = parsePanoptic(textOf(text, paths.json), paths.json)
  const categories = checkCategories(json, paths.json)
  const listed = checkScenes(json, paths.json).slice(0, limit)
  const sources: (SceneSource | DamagedImage)[] = []
  for (const scene of listed) sources.push(await orDamaged(scene.image.id, policy, () => inspectScene(scene, paths)))
  const ids = setIds(fingerprint(text), sources, policy)
  const stored = readKept(cacheDir, ids.whole) ?? readKept(cacheDir, ids.damaged)
  const { set, notes } = stored ?? (await decodeSet(ids, categories, sources, policy, progress))
  checkDamaged(set.damaged ?? [], listed.length, damagedShare, paths.json)
  for (const note of notes) progress(`${paths.json}: ${note}`)
  if (!stored) keep(keptFile(cacheDir, set.id), { set, notes }, progress)
  return set
}

function inspectScene(listed: ListedScene, { images, pngs }: PanopticPaths): SceneSource {
  const image = JSON.stringify(listed.image.id)
  return {
    listed,
    photo: inspectFile(join(images, listed.image.fileName), `the photograph of image ${image}`),
    labels: inspectFile(join(pngs, listed.png), `the label PNG of image ${image}`),
  }
}

/** Where the set of an id is kept. */
function keptFile(cacheDir: string, id: string): string {
  return join(cacheDir, `${id.slice(0, 32)}.imageset`)
}

function readKept(cacheDir: string, id: string): StoredSet | undefined {
  return readSetFile(keptFile(cacheDir, id), id)
}

/**
 * Hashes of all that a set is made from: equal ids mean equal sets, wherever they lie. Only where something turns out to
 * be damaged the policy makes another set.
 */
function setIds(json: string, sources: readonly (SceneSource | DamagedImage)[], policy: DamagedPolicy): SetIds {
  const files = sources.map((source) => {
    if (isDamaged(source)) return source.imageId
    const { listed, photo, labels } = source
    return [
      [listed.image.fileName, photo.size, photo.sha256],
      [listed.png, labels.size, labels.sha256],
    ]
  })
  const whole = fingerprint({ version: SET_FILE_VERSION, json, files })
  return { whole, damaged: fingerprint([whole, policy]) }
}

/** A set is good without its cache: a directory that cannot be written costs time, not the run. */
function keep(file: string, stored: StoredSet, progress: (message: string) => void): void {
  try {
    writeSetFile(file, stored)
  } catch (error) {
    progress(`the decoded images could not be kept for the next run: ${messageOf(error)}`)
  }
}
