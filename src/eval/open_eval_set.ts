import { join } from 'node:path'
import { readShared, startFile, type FileWriter } from '../data/shared_file.ts'
import { inspectFile, type SourceFile } from '../data/source_file.ts'
import { isTuneError, messageOf } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { openCrew, type CrewOptions } from './crew.ts'
import type { EvalSet } from './eval_set.ts'
import { EVAL_SET_VERSION, layOut, sealedKey, startLayout, viewEvalSet, type TruthImage } from './eval_set_layout.ts'
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
 */
export async function openEvalSet(
  options: OpenEvalSetOptions & { readonly json: string; readonly pngDir: string },
): Promise<EvalSet> {
  return openTruth(readTruth(options.json), options.pngDir, options)
}

/** `openEvalSet` where the JSON is read already. */
export async function openTruth(truth: Truth, pngDir: string, options: OpenEvalSetOptions): Promise<EvalSet> {
  const { cacheDir, progress = () => {} } = options
  checkFolder(pngDir, 'ground truth')
  const pngs = truth.annotations.map(({ imageId, fileName }) =>
    inspectFile(join(pngDir, fileName), `the label PNG of image ${imageId}`),
  )
  const id = keyOf(truth, pngs)
  const file = cacheDir === undefined ? undefined : join(cacheDir, `${id.slice(0, 32)}.evalset`)
  const kept = file === undefined ? undefined : readShared(file)
  if (kept && sealedKey(kept) === id) return viewEvalSet(kept)
  progress(`reading ${pngs.length} label PNGs of ${truth.file}`)
  const built = file === undefined ? undefined : await buildFile(file, id, truth, pngs, options)
  if (built && sealedKey(built) === id) return viewEvalSet(built)
  const images: TruthImage[] = []
  for await (const image of readImages(truth, pngs, options)) images.push(image)
  return viewEvalSet(layOut({ id, categories: truth.categories, images }))
}

/** Writes the set as it is read, so that it is never in memory twice, and loads it; undefined where it cannot be written. */
async function buildFile(
  file: string,
  id: string,
  truth: Truth,
  pngs: readonly SourceFile[],
  options: OpenEvalSetOptions,
): Promise<SharedArrayBuffer | undefined> {
  let writer: FileWriter | undefined
  try {
    writer = startFile(file)
    const layout = startLayout({ id, categories: truth.categories })
    for await (const image of readImages(truth, pngs, options)) writer.write(layout.add(image))
    for (const part of layout.end()) writer.write(part)
    writer.finish()
    return readShared(file)
  } catch (error) {
    // A set is good without its file: a directory that cannot be written costs time, not the run.
    if (isTuneError(error) || !(error instanceof Error && 'syscall' in error)) throw error
    options.progress?.(`the eval set could not be kept for the next time: ${messageOf(error)}`)
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
  { file, categories, annotations }: Truth,
  pngs: readonly SourceFile[],
  options: OpenEvalSetOptions,
): AsyncGenerator<TruthImage> {
  const crew = openCrew({ categories, predictionJson: file }, options)
  const fileAt = (i: number) => ({
    imageId: annotations[i]!.imageId,
    segments: annotations[i]!.segments,
    png: pngs[i]!,
  })
  try {
    const batches = batchesOf(pngs.length)
    for await (const { images } of crew.run(batches.length, (i) => ({
      kind: 'read',
      files: batches[i]!.map(fileAt),
    }))) {
      yield* images
    }
  } finally {
    await crew.close()
  }
}

/** Images that a thread takes at a time. */
const AT_ONCE = 8

/** The indices of so many images in batches of neighbours, each for one thread. */
export function batchesOf(images: number): readonly (readonly number[])[] {
  const indices = Array.from({ length: images }, (_, i) => i)
  return Array.from({ length: Math.ceil(images / AT_ONCE) }, (_, i) => indices.slice(i * AT_ONCE, (i + 1) * AT_ONCE))
}
