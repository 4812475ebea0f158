import { TuneError } from '../errors.ts'
import type { EvalSet } from './eval_set.ts'
import { kernelOf } from './kernel.ts'
import type { Counts } from './pq.ts'
import type { Predictions } from './prediction_file.ts'
import { scorePrediction } from './score_ids.ts'
import type { ScoreOptions } from './score_runs.ts'

/** The counts of each image of a set by a file of runs, after the same checks as label PNGs pass. */
export function scorePredictions(set: EvalSet, { file, images }: Predictions, options: ScoreOptions = {}): Counts[] {
  const kernel = kernelOf(options.kernel)
  return set.images.map((image) => {
    const prediction = images.get(image.imageId)
    if (!prediction) {
      throw new TuneError('data/invalid', `image ${image.imageId}: ${file}: it has no prediction`, {
        hint: 'each image of the ground truth needs one, if only all void with no segments',
      })
    }
    return scorePrediction(image, prediction, set.categories, kernel)
  })
}
