import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { TuneError } from '../errors.ts'

/** Where the three parts of one split of a COCO panoptic data set lie. */
export interface PanopticPaths {
  /** Directory of the photographs. */
  readonly images: string
  readonly json: string
  /** Directory of the label PNGs. */
  readonly pngs: string
}

/**
 * Finds a split in a directory laid out as `panoptic_val.json`, `panoptic_val/` and `images/val/`, or as COCO itself is:
 * `annotations/panoptic_val2017.json`, `annotations/panoptic_val2017/` and `val2017/`. A second labelling of the same
 * photographs, `panoptic_coarse_val.json`, is the split `coarse_val`. Throws `data/missing` with what it looked for.
 */
export function findPanoptic(dir: string, split: string): PanopticPaths {
  if (!isDirectory(dir))
    throw missing(`${dir}: there is no such directory`, 'give the directory of a COCO panoptic set')
  const json = findJson(dir, split)
  const pngs = json.slice(0, -'.json'.length)
  if (!isDirectory(join(dir, pngs))) {
    throw missing(`${join(dir, pngs)}: no directory of label PNGs`, `it belongs beside ${json}; unpack it there`)
  }
  const name = basename(pngs).slice('panoptic_'.length)
  const images = findPhotos(dir, [name, name.slice(name.lastIndexOf('_') + 1)], split)
  return { images: join(dir, images), json: join(dir, json), pngs: join(dir, pngs) }
}

function findJson(dir: string, split: string): string {
  const names = [split, `${split}2017`].map((name) => `panoptic_${name}.json`)
  const candidates = names.flatMap((name) => [name, join('annotations', name)])
  const json = candidates.find((file) => existsSync(join(dir, file)))
  if (json !== undefined) return json
  const splits = splitsOf(dir)
  const found = splits.length > 0 ? `the splits there are ${splits.join(', ')}` : 'no panoptic_*.json is there'
  throw missing(`${dir}: no labels of split '${split}'`, `looked for ${candidates.join(', ')}; ${found}`)
}

function findPhotos(dir: string, names: readonly string[], split: string): string {
  const candidates = [...new Set(names.flatMap((name) => [join('images', name), name]))]
  const images = candidates.find((folder) => isDirectory(join(dir, folder)))
  if (images !== undefined) return images
  throw missing(`${dir}: no photographs of split '${split}'`, `looked for the directories ${candidates.join(', ')}`)
}

/** Whether a directory has labels of a split, be they whole or not. */
export function hasSplit(dir: string, split: string): boolean {
  return splitsOf(dir).some((name) => name === split || name === `${split}2017`)
}

/** The splits that a directory has labels of, to say what could have been meant. */
function splitsOf(dir: string): readonly string[] {
  const files = [dir, join(dir, 'annotations')].filter(isDirectory).flatMap((folder) => readdirSync(folder))
  return files.flatMap((file) => /^panoptic_(.+)\.json$/.exec(file)?.[1] ?? []).toSorted()
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

function missing(message: string, hint: string): TuneError {
  return new TuneError('data/missing', message, { hint })
}
