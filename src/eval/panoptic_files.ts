import { join } from 'node:path'
import type { Category } from '../data/image_set.ts'
import { TuneError } from '../errors.ts'
import { checkPairs } from './check_pairs.ts'
import { openCrew, type Crew } from './crew.ts'
import { viewEvalSet } from './eval_set_layout.ts'
import { batchesOf, inspectTruth, truthMemory, type OpenEvalSetOptions } from './open_eval_set.ts'
import { checkFolder } from './panoptic_folder.ts'
import { readPredictions, readTruth, type Truth } from './panoptic_json.ts'
import type { Counts } from './pq.ts'
import { isPredictionFile, openPredictions } from './prediction_file.ts'
import { inOrder } from './score_ids.ts'
import { scorePredictions } from './score_predictions.ts'
import type { ScoreOptions } from './score_runs.ts'
import { unpackCounts, type ScoreJob, type TaskContext } from './score_task.ts'

/** Ground truth and predictions in COCO panoptic format: a JSON and a folder of label PNGs each. */
export interface PanopticFiles {
  readonly truthJson: string
  readonly truthDir: string
  /** Or a file of runs (`writePredictions`, python/panoptune_runs.py), which needs no folder. */
  readonly predictionJson: string
  readonly predictionDir: string
}

/** With `cacheDir` the ground truth is kept as runs, so that only predictions are decoded the next time. */
export interface ScoreFilesOptions extends OpenEvalSetOptions, ScoreOptions {}

/** The counts of each image of the ground truth, in its order. */
export interface ScoredFiles {
  readonly categories: readonly Category[]
  readonly images: readonly { readonly imageId: number | string; readonly counts: Counts }[]
}

/**
 * Scores every image of the ground truth. Predictions for other images are ignored, as panopticapi does. Each image's
 * counts are its own, so that the result is the same to the bit whatever the number of workers.
 */
export async function scoreFiles(files: PanopticFiles, options: ScoreFilesOptions = {}): Promise<ScoredFiles> {
  const { categories, imageIds, score, close } = await openFiles(files, options)
  try {
    const counts = await score(imageIds.map((_, i) => i))
    return { categories, images: imageIds.map((imageId, i) => ({ imageId, counts: counts[i]! })) }
  } finally {
    await close()
  }
}

/** Files that passed all checks which take no pixel. */
export interface OpenFiles {
  readonly categories: readonly Category[]
  readonly imageIds: readonly (number | string)[]
  readonly score: Score
  readonly close: () => Promise<void>
}

/** The counts of images, given by their indices in the ground truth, in the order asked for. */
type Score = (images: readonly number[]) => Promise<readonly Counts[]>

/** Opens files to score their images when it is their turn. Close them. */
export async function openFiles(files: PanopticFiles, options: ScoreFilesOptions = {}): Promise<OpenFiles> {
  const { kernel } = options
  const crew = openCrew(options)
  try {
    const truth = readTruth(files.truthJson)
    const { categories, annotations } = truth
    checkFolder(files.truthDir, 'ground truth')
    const context = { categories, predictionJson: files.predictionJson, ...(kernel && { kernel }) }
    crew.begin(context)
    const open = isPredictionFile(files.predictionJson) ? openRunFile : openPngs
    const score = await open({ truth, files, crew, context, options })
    return { categories, imageIds: annotations.map(({ imageId }) => imageId), score, close: () => crew.close() }
  } catch (error) {
    await crew.close()
    throw error
  }
}

interface Scoring {
  readonly truth: Truth
  readonly files: PanopticFiles
  readonly crew: Crew
  readonly context: TaskContext
  readonly options: ScoreFilesOptions
}

async function openRunFile({ truth, files, crew, options }: Scoring): Promise<Score> {
  const { truthDir, predictionJson } = files
  const predictions = openPredictions(predictionJson)
  for (const { imageId } of truth.annotations) {
    if (!predictions.images.has(imageId)) throw missing(imageId, predictionJson)
  }
  const pngs = await inspectTruth(truth, truthDir, crew)
  const set = viewEvalSet(await truthMemory(truth, pngs, crew, options))
  return async (images) => scorePredictions({ ...set, images: images.map((i) => set.images[i]!) }, predictions, options)
}

async function openPngs({ truth, files, crew, context, options }: Scoring): Promise<Score> {
  const { truthDir, predictionJson, predictionDir } = files
  const isCached = options.cacheDir !== undefined
  // The threads take hashes while this one reads the predictions.
  const inspecting = isCached ? inspectTruth(truth, truthDir, crew) : Promise.resolve([])
  inspecting.catch(() => undefined) // thrown once predictions are complete
  const predictions = readPredictions(predictionJson)
  checkFolder(predictionDir, 'predictions')
  // All pairs before the first pixel: a missing one is found at once, not after minutes.
  const pairs = truth.annotations.map(({ imageId, fileName, segments }) => {
    const prediction = predictions.get(imageId)
    if (!prediction) throw missing(imageId, predictionJson)
    const png = join(predictionDir, prediction.fileName)
    return { truth: { imageId, segments, png: join(truthDir, fileName) }, segments: prediction.segments, png }
  })
  checkPairs(pairs, predictionJson, truth.categories)
  if (isCached) crew.begin({ ...context, memory: await truthMemory(truth, await inspecting, crew, options) })
  const jobOf = (i: number): ScoreJob => {
    const { truth: file, segments: listed, png } = pairs[i]!
    const segments = inOrder(listed).map(({ id, categoryId }) => ({ id, categoryId }))
    return { truth: isCached ? i : file, png, segments }
  }
  return async (images) => {
    const batches = batchesOf(images.length)
    const counts: Counts[] = []
    const jobsOf = (batch: readonly number[]) => batch.map((i) => jobOf(images[i]!))
    for await (const result of crew.run(batches.length, (i) => ({ kind: 'score', jobs: jobsOf(batches[i]!) }))) {
      for (const image of unpackCounts(result.counts, truth.categories.length)) counts.push(image)
    }
    return counts
  }
}

function missing(imageId: number | string, json: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId} has no prediction in ${json}`, {
    hint: 'each image of the ground truth needs one, if only an all-void PNG with no segments',
  })
}
