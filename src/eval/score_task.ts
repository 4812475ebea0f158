import type { Category } from '../data/image_set.ts'
import { decodeIdRuns } from '../data/png_runs.ts'
import { readBytes, readInspected, type SourceFile } from '../data/source_file.ts'
import { viewImages, type TruthImage } from './eval_set_layout.ts'
import { kernelOf, type KernelName } from './kernel.ts'
import type { TruthAnnotation } from './panoptic_json.ts'
import type { Counts } from './pq.ts'
import { labelRuns } from './run_map.ts'
import { scorePrediction, type ListedPrediction } from './score_ids.ts'

/** What all tasks of a crew share: plain data, and memory that threads share. */
export interface TaskContext {
  readonly categories: readonly Category[]
  /** Where ground truth is read from an eval set: its memory. */
  readonly memory?: SharedArrayBuffer
  readonly predictionJson: string
  readonly kernel?: KernelName
}

/** A label PNG of a ground truth; with the hash of its bytes where they have to be those inspected. */
export interface TruthFile extends Pick<TruthAnnotation, 'imageId' | 'segments'> {
  readonly png: string | SourceFile
}

/** A prediction to be scored against an image of the eval set, or against a file. */
export interface ScoreJob {
  readonly truth: number | TruthFile
  readonly png: string
  readonly segments: readonly ListedPrediction[]
}

/** A bounded piece of work, for any thread. */
export type Task =
  | { readonly kind: 'read'; readonly files: readonly TruthFile[] }
  | { readonly kind: 'score'; readonly jobs: readonly ScoreJob[] }

/** What a task gives, in the order of its files or jobs; the other list is empty. */
export interface TaskResult {
  readonly images: readonly TruthImage[]
  readonly counts: readonly Counts[]
}

/** A function that does tasks of either kind in this thread. */
export function taskWorker({ categories, memory, predictionJson, kernel }: TaskContext) {
  const set = memory && viewImages(memory)
  const chosen = kernelOf(kernel)
  const score = ({ truth, png, segments }: ScoreJob): Counts => {
    const image = typeof truth === 'number' ? set?.image(truth) : readTruthImage(truth)
    if (!image) throw new RangeError('an image of the eval set is asked for, but there is no set')
    const map = decodeIdRuns(readBytes(png, `the label PNG of image ${image.imageId}`), png)
    return scorePrediction(image, { map, segments, png, json: predictionJson }, categories, chosen)
  }
  return (task: Task): TaskResult => {
    if (task.kind === 'read') return { images: task.files.map(readTruthImage), counts: [] }
    return { images: [], counts: task.jobs.map(score) }
  }
}

function readTruthImage({ imageId, segments, png }: TruthFile): TruthImage {
  const file = typeof png === 'string' ? png : png.path
  const bytes = typeof png === 'string' ? readBytes(png, `the label PNG of image ${imageId}`) : readInspected(png)
  return { imageId, file, segments, runs: labelRuns(decodeIdRuns(bytes, file), segments) }
}
