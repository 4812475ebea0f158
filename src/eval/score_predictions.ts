import { TuneError } from '../errors.ts'
import type { EvalSet } from './eval_set.ts'
import { kernelOf } from './kernel.ts'
import type { Counts } from './pq.ts'
import type { Predictions } from './prediction_file.ts'
import { flawOf } from './run_map.ts'
import { scorePrediction } from './score_ids.ts'
import type { ScoreOptions } from './score_runs.ts'

/** The counts of each image of a set by a file of runs, after the same checks as label PNGs pass. */
export function scorePredictions(set: EvalSet, { file, images }: Predictions, options: ScoreOptions = {}): Counts[] {
  const kernel = kernelOf(options.kernel)
  return set.images.map((image) => {
    const prediction = images.get(image.imageId)
    const flaw = !prediction ? 'it has no prediction' : 'ids' in prediction.map ? undefined : flawOf(prediction.map, prediction.segments.length) // prettier-ignore
    if (!prediction || flaw !== undefined) {
      throw new TuneError('data/invalid', `image ${image.imageId}: ${file}: ${flaw}`, {
        hint: 'write the file again, by writePredictions or python/panoptune_runs.py',
      })
    }
    return scorePrediction(image, prediction, set.categories, kernel)
  })
}
