import { join } from 'node:path'
import type { ImageSet } from '../data/image_set.ts'
import { instanceSide } from '../data/instance_side.ts'
import type { Metrics } from '../trial.ts'
import { checkpointFile } from '../results.ts'
import { checkTrainOptions } from './check_train_options.ts'
import { meanResult, type StepResult } from './step_result.ts'
import { scaledDecoding, type DecodeOptions, type HeadMaps } from './decode.ts'
import { describe, type Description } from './describe.ts'
import { writeHeads } from './heads_file.ts'
import { planOf } from './plan.ts'
import { activeProbe } from './probe.ts'
import { imageScores, keepCounts, openScorer, type ImageScores, type Scores } from './score.ts'
import { keepCheckpoint, keepToGoOn, rehearse } from './starts.ts'
import type { TrainOptions } from './train_options.ts'
import { openTraining } from './training.ts'
import type { LoadReport } from './warm_start.ts'

/** A network as it stands at a report. It trains on when the next one is asked for. */
export interface TrainedModel {
  /** Steps it was trained, those of the trials that it continues among them. */
  readonly steps: number
  /** Whether this is the trial's last report. */
  readonly isLast: boolean
  /** Means since the report before: of each loss and its weight, their weighted sum, and the gradient's norm. */
  readonly losses: StepResult
  /** The share of the time since the report before, 0 to 1, in which the training waited for its batches. */
  readonly waiting: number
  /** Images of the training set that were missing or damaged, and so were left out or replaced. */
  readonly damaged: number
  /** What became of the weights that it started from; absent where it started from none. */
  readonly loaded?: LoadReport
  /** Its layers, and what they cost for one image of a size: parameters, MACs, bytes of activations. */
  describe(height: number, width: number): Description
  /** Its checkpoint, where a later training takes it `from`, or as its `teacher`: kept when `checkpoints` says. */
  readonly file: string
  /**
   * What each loss does to the network at this moment, on the newest batch, as metrics: `center_loss`, `center_weighted`,
   * and in percent `center_gradient` and `center_pixels` (see `Diagnosis`). Takes a training step's time for each loss.
   */
  terms(): Promise<Metrics>
  /**
   * Panoptic quality on a set, in points (0 to 100) as papers print it. The counts of each image are kept in the trial's
   * directory under the set's name, those of the last report over those before, so that two trials can be compared
   * image by image. Default name: `val`.
   */
  score(set: ImageSet, name?: string): Promise<Scores>
  /** The same, with what each image says of `pq` as `pq@0`, `pq@1`, ...: for the pruner `wilcoxon`, which compares images. */
  scoreImages(set: ImageSet, name?: string): Promise<Scores & ImageScores>
  /**
   * What the network says about each image of a set, before any post-processing. With a name it is kept in the trial's
   * directory, 14 bytes a pixel, where `readHeads(headsFile(dir, name), set)` finds it.
   */
  outputs(set: ImageSet, name?: string): Promise<readonly HeadMaps[]>
}

/**
 * Trains a network and gives it to score after every `every` steps. Whoever stops reading stops the training. The same
 * seed gives bitwise the same network, and so does a trial that was paused or interrupted and goes on.
 *
 *     for await (const model of trainModel({ trial, set, weights })) yield await model.score(val)
 */
export async function* trainModel(given: TrainOptions): AsyncGenerator<TrainedModel, void> {
  checkTrainOptions(given)
  const watch = activeProbe()?.watch(given)
  const options = watch?.options ?? given
  const { trial, set, every = 100, checkpoints = 'last' } = options
  const plan = planOf(options)
  const side = instanceSide(set)
  const decodingOf = (height: number, width: number): DecodeOptions => {
    return { ...scaledDecoding(height, width, side), ...options.decode }
  }
  const training = await openTraining(options, plan, decodingOf)
  const { model, trainer, batches, diagnosis, loaded, reports, about, close } = watch?.training(training) ?? training
  const { resize, normalisation } = options
  const opened = openScorer(trainer, decodingOf, { ...(resize && { resize }), ...(normalisation && { normalisation }) })
  const scorer = watch?.scorer(opened) ?? opened
  const scored = async (images: ImageSet, name = 'val') => {
    const result = await scorer.score(images)
    keepCounts(countsFile(trial.dir, name), images, result.statistics)
    return result
  }
  const file = checkpointFile(trial.dir)
  const { reported = 0 } = trial
  let steps = reports * every
  const before = trainer.state().state.step - steps
  try {
    if (checkpoints !== 'never') rehearse(trial.dir, trainer.state(), about)
    while (steps < plan.total) {
      const taken: StepResult[] = []
      const [start, waited] = [performance.now(), batches.waited()]
      for (const end = steps - (steps % every) + every; steps < end;) {
        trial.signal.throwIfAborted()
        const results = await trainer.steps(batches, plan.hypers(steps, end))
        taken.push(...results)
        steps += results.length
      }
      // Without a checkpoint, what was reported is trained again, in silence.
      if (steps <= reported * every) continue
      const [at, isLast] = [steps, steps === plan.total]
      if (checkpoints !== 'never' && !isLast) keepToGoOn(trial.dir, steps / every, trainer.state(), about)
      if (checkpoints === 'every' || (isLast && checkpoints === 'last')) keepCheckpoint(file, trainer.state(), about)
      yield {
        steps: before + at,
        isLast,
        losses: meanResult(taken),
        waiting: (batches.waited() - waited) / (performance.now() - start),
        damaged: set.damaged?.length ?? 0,
        ...(loaded && { loaded }),
        describe: (height, width) => describe(model, height, width),
        file,
        terms: () => diagnosis(at),
        score: async (images, name) => (await scored(images, name)).scores,
        scoreImages: async (images, name) => {
          const { scores, statistics } = await scored(images, name)
          return { ...scores, ...imageScores(statistics) }
        },
        outputs: async (images, name) => {
          const outputs = await scorer.outputs(images)
          if (name !== undefined) writeHeads(headsFile(trial.dir, name), images, outputs)
          return outputs
        },
      }
      steps = watch?.after(steps) ?? steps
    }
  } finally {
    await scorer.close()
    await close()
  }
}

/** Where a trial keeps the counts of each image under a name. */
export function countsFile(trialDir: string, name: string): string {
  return join(trialDir, `${name}.counts`)
}

/** Where a trial keeps a network's outputs under a name. */
export function headsFile(trialDir: string, name: string): string {
  return join(trialDir, `${name}.heads`)
}
