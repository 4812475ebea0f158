import { join } from 'node:path'
import { messageOf, TuneError } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { findPanoptic, type PanopticPaths } from './coco_dir.ts'
import { parsePanoptic } from './coco_json.ts'
import { checkCategories, checkScenes, type ListedScene } from './coco_panoptic.ts'
import { decodeSet, type SceneSource } from './decode_set.ts'
import type { ImageSet } from './image_set.ts'
import { readSetFile, SET_FILE_VERSION, writeSetFile, type StoredSet } from './set_file.ts'
import { inspectFile, readBytes } from './source_file.ts'

export interface OpenOptions {
  /** Where decoded sets are kept, one file each. Its files may be deleted at any time; they are made again. */
  readonly cacheDir: string
  /** Take at most so many images, the first of the JSON. Default: all. */
  readonly limit?: number
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
  const { cacheDir, limit = Infinity, progress = () => {} } = options
  if (!(limit >= 1)) throw new TuneError('usage', `a limit of ${limit} images`, { hint: 'take at least 1' })
  const text = readBytes(paths.json, 'the JSON of the labels')
  const json = parsePanoptic(text.toString(), paths.json)
  const categories = checkCategories(json, paths.json)
  const sources = checkScenes(json, paths.json)
    .slice(0, limit)
    .map((listed) => inspectScene(listed, paths))
  const id = setId(fingerprint(text), sources)
  const file = join(cacheDir, `${id.slice(0, 32)}.imageset`)
  const stored = readSetFile(file, id)
  const { set, notes } = stored ?? (await decodeSet(id, categories, sources, progress))
  for (const note of notes) progress(`${paths.json}: ${note}`)
  if (!stored) keep(file, { set, notes }, progress)
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

/** Hash of all that a set is made from: equal ids mean equal sets, wherever they lie. */
function setId(json: string, sources: readonly SceneSource[]): string {
  const files = sources.map(({ listed, photo, labels }) => [
    [listed.image.fileName, photo.size, photo.sha256],
    [listed.png, labels.size, labels.sha256],
  ])
  return fingerprint({ version: SET_FILE_VERSION, json, files })
}

/** A set is good without its cache: a directory that cannot be written costs time, not the run. */
function keep(file: string, stored: StoredSet, progress: (message: string) => void): void {
  try {
    writeSetFile(file, stored)
  } catch (error) {
    progress(`the decoded images could not be kept for the next run: ${messageOf(error)}`)
  }
}
