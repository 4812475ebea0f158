import type { Category } from '../data/image_set.ts'
import { decodeIdRuns } from '../data/png_runs.ts'
import { inspectFile, readBytes, readInspected, type SourceFile } from '../data/source_file.ts'
import { checkPair } from './check_pairs.ts'
import { viewImages, type TruthImage } from './eval_set_layout.ts'
import { pngsAt, predictionAt, truthAt, type JobList } from './job_list.ts'
import { kernelOf, type KernelName } from './kernel.ts'
import type { TruthAnnotation } from './panoptic_json.ts'
import type { Counts } from './pq.ts'
import { labelRuns } from './run_map.ts'
import { scorePrediction } from './score_ids.ts'

/** What all tasks of a crew share: plain data. */
export interface TaskContext {
  readonly categories: readonly Category[]
  readonly predictionJson: string
  readonly kernel?: KernelName
  /** What is to be scored. */
  readonly jobs?: JobList
  /** Where ground truth comes from an eval set: its memory. */
  readonly memory?: SharedArrayBuffer
}

/** A label PNG of a ground truth; with the hash of its bytes where they have to be those inspected. */
interface TruthFile extends Pick<TruthAnnotation, 'imageId' | 'segments'> {
  readonly png: string | SourceFile
}

/** A bounded piece of work, for any thread. */
export type Task =
  | { readonly kind: 'inspect'; readonly files: readonly { readonly png: string; readonly imageId: number | string }[] }
  | { readonly kind: 'read'; readonly files: readonly TruthFile[] }
  | { readonly kind: 'check'; readonly from: number; readonly to: number }
  | { readonly kind: 'score'; readonly images: readonly number[] }

/** What a task gives, in the order of its files or images; what another kind gives is empty. */
export interface TaskResult {
  readonly sources: readonly SourceFile[]
  readonly images: readonly TruthImage[]
  /** Image after image the columns of its counts (`unpackCounts`): one array crosses threads faster than many. */
  readonly counts: Float64Array<ArrayBuffer>
}

/** A function that does tasks in this thread. */
export function taskWorker({ categories, predictionJson, kernel, jobs, memory }: TaskContext) {
  const set = memory && viewImages(memory)
  const chosen = kernelOf(kernel)
  const listed = () => {
    if (!jobs) throw new RangeError('images are asked for, but none are listed')
    return jobs
  }
  const score = (index: number): Counts => {
    const image = set ? set.image(index) : readTruthImage(truthAt(listed(), index))
    const { png, segments } = predictionAt(listed(), index)
    const map = decodeIdRuns(readBytes(png, labelsOf(image.imageId)), png)
    return scorePrediction(image, { map, segments, png, json: predictionJson }, categories, chosen)
  }
  return (task: Task): TaskResult => {
    const result = { sources: [], images: [], counts: new Float64Array() }
    switch (task.kind) {
      case 'inspect':
        return { ...result, sources: task.files.map(({ png, imageId }) => inspectFile(png, labelsOf(imageId))) }
      case 'read':
        return { ...result, images: task.files.map(readTruthImage) }
      case 'check':
        for (let i = task.from; i < task.to; i++) checkPair(pngsAt(listed(), i))
        return result
      case 'score':
        return { ...result, counts: packCounts(task.images, score, categories.length) }
    }
  }
}

const COLUMNS = ['iou', 'tp', 'fp', 'fn'] as const

function packCounts(images: readonly number[], score: (image: number) => Counts, classes: number) {
  const packed = new Float64Array(COLUMNS.length * classes * images.length)
  let at = 0
  for (const image of images) {
    const counts = score(image)
    for (const column of COLUMNS) {
      packed.set(counts[column], at)
      at += classes
    }
  }
  return packed
}

/** The counts of each image, as views. */
export function unpackCounts(packed: Float64Array, classes: number): readonly Counts[] {
  const images = packed.length / (COLUMNS.length * classes)
  return Array.from({ length: images }, (_, i) => {
    const column = (k: number) =>
      packed.subarray((COLUMNS.length * i + k) * classes, (COLUMNS.length * i + k + 1) * classes)
    return { iou: column(0), tp: column(1), fp: column(2), fn: column(3) }
  })
}

function labelsOf(imageId: number | string): string {
  return `the label PNG of image ${imageId}`
}

function readTruthImage({ imageId, segments, png }: TruthFile): TruthImage {
  const file = typeof png === 'string' ? png : png.path
  const bytes = typeof png === 'string' ? readBytes(png, labelsOf(imageId)) : readInspected(png)
  return { imageId, file, segments, runs: labelRuns(decodeIdRuns(bytes, file), segments) }
}
