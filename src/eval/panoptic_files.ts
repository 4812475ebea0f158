import type { Category } from '../data/image_set.ts'
import { TuneError } from '../errors.ts'
import { checkCategories } from './check_pairs.ts'
import { openCrew, type Crew } from './crew.ts'
import { viewEvalSet } from './eval_set_layout.ts'
import { listJobs, type ScorePair } from './job_list.ts'
import { findTruth, inspectTruth, truthMemory, type OpenEvalSetOptions } from './open_eval_set.ts'
import { checkFolder } from './panoptic_folder.ts'
import { readPredictions, readTruth, type Truth } from './panoptic_json.ts'
import type { Counts } from './pq.ts'
import { isPredictionFile, openPredictions } from './prediction_file.ts'
import { scorePredictions } from './score_predictions.ts'
import type { ScoreOptions } from './score_runs.ts'
import { unpackCounts, type Task, type TaskContext } from './score_task.ts'

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
  const pairs = truth.annotations.map((annotation): ScorePair => {
    const prediction = predictions.get(annotation.imageId)
    if (!prediction) throw missing(annotation.imageId, predictionJson)
    return { annotation, prediction }
  })
  checkCategories(pairs, predictionJson, truth.categories)
  const pngs = await inspecting
  const listed = { ...context, jobs: listJobs(pairs, files) }
  crew.begin(listed)
  const checking = checkPngs(pairs.length, crew)
  checking.catch(() => undefined) // thrown once this thread has done its share
  // The threads look at headers while this one reads the cache.
  const cached = isCached ? findTruth(truth, pngs, crew, options) : undefined
  await checking
  if (cached) crew.begin({ ...listed, memory: cached.kept ?? (await cached.make()) })
  return (images) => scoreInPieces(images, crew, truth.categories.length)
}

/** Everything but pixels, each thread its share. */
async function checkPngs(count: number, crew: Crew): Promise<void> {
  const share = Math.ceil(count / crew.size) || 1
  const taskAt = (i: number): Task => ({ kind: 'check', from: i * share, to: Math.min(count, (i + 1) * share) })
  for await (const checked of crew.run(Math.ceil(count / share), taskAt)) void checked
}

async function scoreInPieces(images: readonly number[], crew: Crew, classes: number): Promise<readonly Counts[]> {
  const pieces = piecesOf(images, crew.size)
  const counts: Counts[] = []
  for await (const result of crew.run(pieces.length, (i) => ({ kind: 'score', images: pieces[i]! }))) {
    for (const image of unpackCounts(result.counts, classes)) counts.push(image)
  }
  return counts
}

const FEWEST_AT_ONCE = 4

/** Large pieces first, for each costs a message; small ones last, so that all threads end together. */
function piecesOf(images: readonly number[], threads: number): readonly (readonly number[])[] {
  const pieces: (readonly number[])[] = []
  for (let from = 0; from < images.length; from += pieces.at(-1)!.length) {
    const share = Math.ceil((images.length - from) / (4 * threads))
    pieces.push(images.slice(from, from + Math.max(FEWEST_AT_ONCE, share)))
  }
  return pieces
}

function missing(imageId: number | string, json: string): TuneError {
  return new TuneError('data/invalid', `image ${imageId} has no prediction in ${json}`, {
    hint: 'each image of the ground truth needs one, if only an all-void PNG with no segments',
  })
}
