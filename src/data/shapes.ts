import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf, TuneError } from '../errors.ts'
import { canonicalJson, fingerprint, type Json } from '../json.ts'
import type { ImageSet } from './image_set.ts'
import { openImageSet, type OpenOptions } from './open.ts'
import { writeShapesSplit, type FileSizes } from './shapes_split.ts'

/** How many scenes of which size to generate. */
export interface ShapesOptions {
  /** Side of the square scenes in pixels, 32 to 1024. Default 64. */
  readonly size?: number
  /** Scenes to train on. Default 256. */
  readonly train?: number
  /** Scenes to tune on. Default 96. */
  readonly val?: number
  /** Scenes that decide nothing, for the last word. Default 96. */
  readonly heldout?: number
  /** Another seed, other scenes. Default 0. */
  readonly seed?: number
}

/** Raised whenever the same options give other scenes. */
const VERSION = 1
const MANIFEST = 'shapes.json'
const SPLITS = ['train', 'val', 'heldout'] as const

/**
 * Writes generated scenes as a COCO panoptic directory with the splits `train`, `val` and `heldout`, unless it holds the
 * same already. What is damaged or of other options is made again; a directory that holds anything else is left alone.
 * Readers, and other processes that write the same, see all of it or nothing.
 */
export async function writeShapes(
  dir: string,
  options: ShapesOptions & { readonly progress?: (message: string) => void } = {},
): Promise<void> {
  const { progress = () => {}, ...chosen } = options
  const recipe = recipeOf(chosen)
  if (isWhole(dir, recipe)) return
  refuseForeign(dir)
  progress(
    `drawing ${SPLITS.map((split) => `${recipe[split]} ${split}`).join(', ')} scenes of ${recipe.size}x${recipe.size}`,
  )
  const draft = `${resolve(dir)}.${randomUUID()}`
  try {
    const files: Record<string, number> = {}
    for (const split of SPLITS) Object.assign(files, writeShapesSplit(draft, split, recipe))
    await writeFile(join(draft, MANIFEST), JSON.stringify({ ...recipe, files } satisfies Manifest))
    await replace(dir, draft, recipe)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    throw new TuneError('results/unwritable', `${dir}: the scenes cannot be written: ${messageOf(error)}`, {
      hint: 'name a directory that can be written, on a disk with room',
      cause: error,
    })
  } finally {
    await discard(draft)
  }
}

/** Opens a split of generated scenes, which are written into the cache directory on first use. */
export async function openShapes(
  options: OpenOptions & ShapesOptions & { readonly split: (typeof SPLITS)[number] },
): Promise<ImageSet> {
  const { split, limit, ...rest } = options
  const { cacheDir, progress } = rest
  const dir = await shapesDir(rest)
  return openImageSet({ dir, split, cacheDir, ...(limit !== undefined && { limit }), ...(progress && { progress }) })
}

/** The directory of generated scenes in the cache directory, written on first use. */
export async function shapesDir({
  cacheDir,
  progress,
  ...chosen
}: Pick<OpenOptions, 'cacheDir' | 'progress'> & ShapesOptions): Promise<string> {
  const recipe = recipeOf(chosen)
  const dir = join(cacheDir, `shapes-${recipe.size}-${fingerprint(recipe).slice(0, 8)}`)
  await writeShapes(dir, { ...chosen, ...(progress && { progress }) })
  return dir
}

/** All that the scenes follow from. */
type Recipe = Required<ShapesOptions> & { readonly generator: string; readonly version: number }

type Manifest = Recipe & { readonly files: FileSizes }

function recipeOf({ size = 64, train = 256, val = 96, heldout = 96, seed = 0 }: ShapesOptions): Recipe {
  if (!isCount(size) || size < 32 || size > 1024) throw wrongOption('size', size, 'a whole number from 32 to 1024')
  for (const [name, count] of Object.entries({ train, val, heldout })) {
    if (!isCount(count)) throw wrongOption(name, count, 'a whole number from 1')
  }
  if (!Number.isSafeInteger(seed)) throw wrongOption('seed', seed, 'a whole number')
  return { generator: 'panoptune shapes', version: VERSION, size, train, val, heldout, seed }
}

/** True where a directory holds the scenes of this recipe, every file as long as it was written. */
function isWhole(dir: string, recipe: Recipe): boolean {
  const manifest = readManifest(dir)
  if (!manifest) return false
  const { files, ...itsRecipe } = manifest
  if (canonicalJson(itsRecipe) !== canonicalJson(recipe)) return false
  return Object.entries(files).every(([file, size]) => {
    return statSync(join(dir, file), { throwIfNoEntry: false })?.size === size
  })
}

function readManifest(dir: string): (Readonly<Record<string, Json>> & { readonly files: FileSizes }) | undefined {
  try {
    const manifest = JSON.parse(readFileSync(join(dir, MANIFEST), 'utf8'))
    return typeof manifest.files === 'object' ? manifest : undefined
  } catch {
    return undefined
  }
}

/** Only a directory that is empty, or that this generator made and nobody added to, may be replaced. */
function refuseForeign(dir: string): void {
  if (!existsSync(dir)) return
  if (!statSync(dir).isDirectory()) throw occupied(dir, 'is a file')
  const entries = readdirSync(dir)
  if (entries.length === 0) return
  if (!entries.includes(MANIFEST)) throw occupied(dir, `has files that are no generated scenes, such as ${entries[0]}`)
  const ours = [MANIFEST, 'images', ...SPLITS.flatMap((split) => [`panoptic_${split}`, `panoptic_${split}.json`])]
  const foreign = entries.find((entry) => !ours.includes(entry))
  if (foreign !== undefined) throw occupied(dir, `holds '${foreign}' beside other generated scenes`)
}

/** Puts the draft in the place of `dir`, unless another process was faster: it has written the same. */
async function replace(dir: string, draft: string, recipe: Recipe): Promise<void> {
  const old = `${draft}.old`
  const isThere = existsSync(dir)
  if (isWhole(dir, recipe)) return
  try {
    if (isThere) await rename(dir, old)
    await rename(draft, dir)
  } catch (error) {
    if (!isWhole(dir, recipe)) throw error
  } finally {
    await discard(old)
  }
}

/** Removes what nobody needs; failing to is no reason to lose the error that led here. */
async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => {})
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1
}

function wrongOption(name: string, value: number, expected: string): TuneError {
  return new TuneError('usage', `shapes: ${name} is ${value}`, { hint: `give ${expected}` })
}

function occupied(dir: string, why: string): TuneError {
  return new TuneError('usage', `${dir}: not written, because it ${why}`, { hint: 'name a new or an empty directory' })
}
