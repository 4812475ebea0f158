import { join } from 'node:path'
import { readShared, writeWhole } from '../data/shared_file.ts'
import { inspectFile, type SourceFile } from '../data/source_file.ts'
import { messageOf } from '../errors.ts'
import { fingerprint } from '../json.ts'
import { openCrew, type CrewOptions } from './crew.ts'
import type { EvalSet } from './eval_set.ts'
import { EVAL_SET_VERSION, layOut, sealedKey, viewEvalSet, type TruthImage } from './eval_set_layout.ts'
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
  const memory = layOut({ id, categories: truth.categories, images: await readImages(truth, pngs, options) })
  if (file !== undefined) keep(file, memory, progress)
  return viewEvalSet(memory)
}

/** Hash of all that a set is made from: equal keys mean equal sets, wherever they lie. */
function keyOf({ sha256, annotations }: Truth, pngs: readonly SourceFile[]): string {
  const files = pngs.map(({ size, sha256: content }, i) => [annotations[i]!.fileName, size, content] as const)
  const sorted = files.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return fingerprint({ version: EVAL_SET_VERSION, options: {}, json: sha256, files: sorted })
}

async function readImages(
  { file, categories, annotations }: Truth,
  pngs: readonly SourceFile[],
  options: OpenEvalSetOptions,
): Promise<readonly TruthImage[]> {
  const files = annotations.map(({ imageId, segments }, i) => ({ imageId, segments, png: pngs[i]! }))
  const crew = openCrew({ categories, predictionJson: file }, options)
  try {
    const results = await crew.run(batches(files).map((batch) => ({ kind: 'read' as const, files: batch })))
    return results.flatMap(({ images }) => images)
  } finally {
    await crew.close()
  }
}

/** Images that a thread takes at a time. */
const AT_ONCE = 32

/** Neighbours together, as many as a thread takes at a time. */
export function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / AT_ONCE) }, (_, i) =>
    items.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  )
}

/** A set is good without its file: a directory that cannot be written costs time, not the run. */
function keep(file: string, memory: SharedArrayBuffer, progress: (message: string) => void): void {
  try {
    writeWhole(file, [{ at: 0, bytes: new Uint8Array(memory) }])
  } catch (error) {
    progress(`the eval set could not be kept for the next time: ${messageOf(error)}`)
  }
}
