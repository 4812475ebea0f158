import { lstatSync, realpathSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import { TuneError } from '../errors.ts'
import { saveCounts } from '../eval/counts_file.ts'
import type { EvalSet } from '../eval/eval_set.ts'
import { imageStatistics } from '../eval/image_statistics.ts'
import { openSource, scoreSource } from '../eval/score_source.ts'
import { scoresOf, type Scores } from '../models/score.ts'
import { countsFile } from '../models/train.ts'
import { PREDICTIONS } from './report_line.ts'

/** Files of predictions are read whole, up to 1 GiB each. */
const MOST_FILE_BYTES = 2 ** 30

/**
 * Scores the predictions that a program says it wrote: a path inside its trial's directory. What each image adds is kept
 * there, so that two trials can be compared image by image.
 */
export async function scoreWritten(dir: string, path: unknown, truth: EvalSet, signal: AbortSignal): Promise<Scores> {
  if (typeof path !== 'string' || path === '') throw refused(`'${PREDICTIONS}' is ${JSON.stringify(path)}, no path`)
  const root = realpathSync(dir)
  const source = openSource(insideOf(root, path), (file) => void insideOf(root, relative(root, file)))
  const counts = await scoreSource(truth, source, signal)
  const statistics = imageStatistics(counts, truth.categories.length)
  const imageIds = truth.images.map(({ imageId }) => imageId)
  saveCounts(countsFile(dir, 'val'), { set: truth.id, categories: truth.categories, imageIds, statistics })
  return scoresOf(statistics, truth)
}

/** The file of a path that stays inside a directory, which itself is no link, links followed. */
function insideOf(dir: string, path: string): string {
  if (isAbsolute(path) || path.split(/[\\/]/).includes('..')) throw outside(dir, path)
  const file = join(dir, path)
  if (!lstatSync(file, { throwIfNoEntry: false })) throw refused(`there is no file ${path} in ${dir}`)
  const real = realpathOf(file, path)
  if (!real.startsWith(dir + sep)) throw outside(dir, path)
  const stats = statSync(real)
  if (!stats.isFile()) throw refused(`${path} in ${dir} is no file`)
  if (stats.size > MOST_FILE_BYTES) throw refused(`${path} in ${dir} has ${stats.size} bytes, more than 1 GiB`)
  return real
}

function realpathOf(file: string, path: string): string {
  try {
    return realpathSync(file)
  } catch (cause) {
    throw refused(`${path} is a link that leads nowhere`, cause)
  }
}

function outside(dir: string, path: string): TuneError {
  return refused(`${path} leads out of the trial's directory ${dir}`)
}

function refused(what: string, cause?: unknown): TuneError {
  return new TuneError('data/invalid', `predictions: ${what}`, {
    hint: 'write them under PANOPTUNE_DIR and report {"predictions": "val.json"}, a path relative to that',
    cause,
  })
}
