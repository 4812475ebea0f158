import { join } from 'node:path'
import { findPanoptic } from '../data/coco_dir.ts'
import { readShared, startFile, type FileWriter } from '../data/shared_file.ts'
import type { SourceFile } from '../data/source_file.ts'
import { isTuneError, messageOf } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { openCrew, type Crew, type CrewOptions } from './crew.ts'
import type { EvalSet } from './eval_set.ts'
import { EVAL_SET_VERSION, sealedKey } from './eval_set_header.ts'
import { layOut, startLayout, viewEvalSet, type TruthImage } from './eval_set_layout.ts'
import { checkFolder } from './panoptic_folder.ts'
import { readTruth, type Truth } from './panoptic_json.ts'

export interface OpenEvalSetOptions extends CrewOptions {
  /** Where eval sets are kept, one file each; they may be deleted at any time, and are made again. Default: nowhere. */
  readonly cacheDir?: string
  /** Told what takes long or could not be kept. */
  readonly progress?: (message: string) => void
}

/**
 * The ground truth of a COCO panoptic JSON and its label PNGs, as panopticapi reads it. The first opening decodes every
 * PNG; later ones load a file, which counts only while the JSON and every PNG have the contents it was made from.
 *
 *     const evalSet = await openEvalSet({ json: 'panoptic_val.json', pngDir: 'panoptic_val', cacheDir })
 *     const same = await openEvalSet({ dir: 'data/coco', split: 'val', cacheDir })
 */
export async function openEvalSet(options: OpenEvalSetOptions & (TruthFiles | TruthSplit)): Promise<EvalSet> {
  const crew = openCrew(options)
  try {
    const { json, pngDir } = 'dir' in options ? filesOf(options) : options
    const truth = readTruth(json)
    checkFolder(pngDir, 'ground truth')
    crew.begin({ categories: truth.categories, predictionJson: json })
    return viewEvalSet(await truthMemory(truth, await inspectTruth(truth, pngDir, crew), crew, options))
  } finally {
    await crew.close()
  }
}

/** A JSON and its label PNGs, or one split of a COCO panoptic directory. */
interface TruthFiles {
  readonly json: string
  readonly pngDir: string
}

interface TruthSplit {
  readonly dir: string
  readonly split: string
}

function filesOf({ dir, split }: TruthSplit): TruthFiles {
  const { json, pngs } = findPanoptic(dir, split)
  return { json, pngDir: pngs }
}

/** Takes the hash of every label PNG of a ground truth, each thread of its share. */
export async function inspectTruth({ annotations }: Truth, pngDir: string, crew: Crew): Promise<readonly SourceFile[]> {
  const files = annotations.map(({ imageId, fileName }) => ({ imageId, png: join(pngDir, fileName) }))
  const share = Math.ceil(files.length / crew.size)
  const sources: SourceFile[] = []
  const tasks = crew.run(share === 0 ? 0 : Math.ceil(files.length / share), (i) => {
    return { kind: 'inspect', files: files.slice(i * share, (i + 1) * share) }
  })
  for await (const result of tasks) for (const source of result.sources) sources.push(source)
  return sources
}

/** The memory of the set of these files: from its cache, or made. */
export async function truthMemory(...given: Parameters<typeof findTruth>): Promise<SharedArrayBuffer> {
  const { kept, make } = findTruth(...given)
  return kept ?? make()
}

/** The memory of the set of these files as its cache has it, if it does, and how to make it. */
export function findTruth(
  truth: Truth,
  pngs: readonly SourceFile[],
  crew: Crew,
  { cacheDir, progress = () => {} }: Pick<OpenEvalSetOptions, 'cacheDir' | 'progress'>,
): { readonly kept: SharedArrayBuffer | undefined; readonly make: () => Promise<SharedArrayBuffer> } {
  const id = keyOf(truth, pngs)
  const file = cacheDir === undefined ? undefined : join(cacheDir, `${id.slice(0, 32)}.evalset`)
  const sealed = (memory: SharedArrayBuffer | undefined) => (memory && sealedKey(memory) === id ? memory : undefined)
  const make = async () => {
    progress(`reading ${pngs.length} label PNGs of ${truth.file}`)
    const set = { id, categories: truth.categories }
    const images = () => readImages(truth, pngs, crew)
    const built = file === undefined ? undefined : sealed(await buildFile(file, set, images, progress))
    if (built) return built
    const all: TruthImage[] = []
    for await (const image of images()) all.push(image)
    return layOut({ ...set, images: all })
  }
  return { kept: file === undefined ? undefined : sealed(readShared(file)), make }
}

/** Writes the set as it is read, so that it is never in memory twice, and loads it; undefined where it cannot be written. */
async function buildFile(
  file: string,
  set: Pick<EvalSet, 'id' | 'categories'>,
  images: () => AsyncIterable<TruthImage>,
  progress: (message: string) => void,
): Promise<SharedArrayBuffer | undefined> {
  let writer: FileWriter | undefined
  try {
    writer = startFile(file)
    const layout = startLayout(set)
    for await (const image of images()) writer.write(layout.add(image))
    for (const part of layout.end()) writer.write(part)
    writer.finish()
    return readShared(file)
  } catch (error) {
    // A set is good without its file: a directory that cannot be written costs time, not the run.
    if (isTuneError(error) || !(error instanceof Error && 'syscall' in error)) throw error
    progress(`the eval set could not be kept for the next time: ${messageOf(error)}`)
    return undefined
  } finally {
    writer?.close()
  }
}

/** Hash of all that a set is made from: equal keys mean equal sets, wherever they lie. */
function keyOf({ sha256, annotations }: Truth, pngs: readonly SourceFile[]): string {
  const files = pngs.map(({ size, sha256: content }, i) => [annotations[i]!.fileName, size, content] as const)
  const sorted = files.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return fingerprint({ version: EVAL_SET_VERSION, options: {}, json: sha256, files: sorted })
}

async function* readImages(
  { annotations }: Truth,
  pngs: readonly SourceFile[],
  crew: Crew,
): AsyncGenerator<TruthImage> {
  const fileOf = (i: number) => ({
    imageId: annotations[i]!.imageId,
    segments: annotations[i]!.segments,
    png: pngs[i]!,
  })
  const batches = batchesOf(pngs.length)
  const tasks = crew.run(batches.length, (i) => ({ kind: 'read', files: batches[i]!.map(fileOf) }))
  for await (const { images } of tasks) yield* images
}

/** Images that a thread takes at a time. */
const AT_ONCE = 8

/** The indices of so many images in batches of neighbours, each for one thread. */
function batchesOf(images: number): readonly (readonly number[])[] {
  const indices = Array.from({ length: images }, (_, i) => i)
  return Array.from({ length: Math.ceil(images / AT_ONCE) }, (_, i) => indices.slice(i * AT_ONCE, (i + 1) * AT_ONCE))
}
