import type { ImageSet } from '../data/image_set.ts'
import { evalSetOf } from './eval_set.ts'
import type { Counts } from './pq.ts'
import { scoreRuns, type DensePrediction } from './score_runs.ts'

/** What a network says about one scene, at the scene's own size. */
export type Prediction = DensePrediction

/** The counts of one scene, without a file in between; `scoreRuns` for a set with photographs. */
export function scoreScene(set: ImageSet, sceneIndex: number, prediction: Prediction): Counts {
  return scoreRuns(evalSetOf(set), sceneIndex, prediction)
}
