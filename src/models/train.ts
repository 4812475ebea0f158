import { join } from 'node:path'
import type { ImageSet } from '../data/image_set.ts'
import { instanceSide } from '../data/instance_side.ts'
import { TuneError } from '../errors.ts'
import type { TrialContext } from '../study.ts'
import { scaledDecoding, type DecodeOptions, type HeadMaps } from './decode.ts'
import { writeHeads } from './heads_file.ts'
import { panopticDeepLab, type PanopticDeepLabConfig } from './panoptic_deeplab.ts'
import { learningRate, parseSchedule, type Schedule, type ScheduleKind } from './schedule.ts'
import { keepCounts, openScorer, type Scores } from './score.ts'
import { scaledTargets, type TargetOptions } from './targets.ts'
import { trainBatches } from './train_batches.ts'
import { openTrainer, type StepResult } from './trainer.ts'

export interface TrainOptions {
  /** The trial that this training is: its seed, device, directory and number of reports. */
  readonly trial: Pick<TrialContext, 'seed' | 'device' | 'signal' | 'maxSteps' | 'dir'>
  readonly set: ImageSet
  /** Factors of the three losses. The paper's are 1, 200 and 0.01. */
  readonly weights: { readonly semantic: number; readonly center: number; readonly offset: number }
  /** Base learning rate of AdamW. Default 0.003. */
  readonly lr?: number
  /** Default `poly`. A schedule by its name gets a linear warm-up over the first 5 % of all steps. */
  readonly schedule?: Schedule | ScheduleKind
  /** Factor of the backbone's learning rate; 0 freezes it. Default 1. */
  readonly backbone?: number
  /** Training steps between two reports; all steps are this times `trial.maxSteps`. Default 100. */
  readonly every?: number
  /** Crops a step. Default 4. */
  readonly batch?: number
  /** Side of the training crops, in pixels, a multiple of 16. Default 64. */
  readonly crop?: number
  /** Least and greatest factor that crops are resized by. Default [1, 1]. */
  readonly scale?: readonly [number, number]
  /** Decoupled weight decay, none on norms and biases. Default 1e-4. */
  readonly weightDecay?: number
  /** Largest norm of the gradient. Default 10. */
  readonly clip?: number
  readonly model?: Partial<Omit<PanopticDeepLabConfig, 'classes'>>
  /** Default: in proportion to the crop and to the set's instances. */
  readonly targets?: Omit<TargetOptions, 'stride'>
  /** Default: in proportion to each image and to the set's instances. */
  readonly decode?: DecodeOptions
}

/** A network as it stands at a report. It trains on when the next one is asked for. */
export interface TrainedModel {
  /** Steps it was trained. */
  readonly steps: number
  /** Whether this is the trial's last report. */
  readonly isLast: boolean
  /** Means since the report before: of the raw losses, their weighted sum, and the gradient's norm. */
  readonly losses: StepResult
  /**
   * Panoptic quality on a set, in points (0 to 100) as papers print it. The counts of each image are kept in the trial's
   * directory under the set's name, those of the last report over those before, so that two trials can be compared
   * image by image. Default name: `val`.
   */
  score(set: ImageSet, name?: string): Promise<Scores>
  /**
   * What the network says about each image of a set, before any post-processing. With a name it is kept in the trial's
   * directory, 14 bytes a pixel, where `readHeads(headsFile(dir, name), set)` finds it.
   */
  outputs(set: ImageSet, name?: string): Promise<readonly HeadMaps[]>
}

/**
 * Trains a small Panoptic-DeepLab and gives it to score after every `every` steps. Whoever stops reading stops the
 * training. The same seed gives bitwise the same network.
 *
 *     for await (const model of trainPanopticDeepLab({ trial, set: train, weights })) yield await model.score(val)
 */
export async function* trainPanopticDeepLab(options: TrainOptions): AsyncGenerator<TrainedModel, void> {
  const { trial, set, weights, lr = 3e-3, backbone = 1, every = 100, batch = 4, crop = 64 } = options
  const { weightDecay = 1e-4, clip = 10 } = options
  const total = every * trial.maxSteps
  if (!Number.isSafeInteger(total)) {
    throw new TuneError('study/invalid', 'a schedule needs to know where it ends', {
      hint: 'give the study budget.steps',
    })
  }
  const schedule = withWarmup(options.schedule ?? 'poly')
  const side = instanceSide(set)
  const model = panopticDeepLab({ classes: set.categories.length, ...options.model })
  const batches = trainBatches(set, {
    size: batch,
    seed: trial.seed,
    augment: { height: crop, width: crop, ...(options.scale ? { scale: options.scale } : {}) },
    targets: { ...scaledTargets(crop, crop, side), ...options.targets, stride: model.lossStride },
  })

  const { device, seed } = trial
  const trainer = await openTrainer({
    model,
    batchSize: batch,
    height: crop,
    width: crop,
    device,
    seed,
    lrMultipliers: { backbone },
  })
  const scorer = openScorer(trainer, (height, width) => ({ ...scaledDecoding(height, width, side), ...options.decode }))
  try {
    for (let steps = 0; steps < total;) {
      const taken: StepResult[] = []
      for (const end = steps + every; steps < end; steps++) {
        trial.signal.throwIfAborted()
        const rate = learningRate(schedule, steps, total, lr)
        taken.push(await trainer.step(batches.next().value, { lr: rate, weightDecay, clip, weights }))
      }
      yield {
        steps,
        isLast: steps === total,
        losses: mean(taken),
        score: async (images, name = 'val') => {
          const { scores, statistics } = await scorer.score(images)
          keepCounts(countsFile(trial.dir, name), images, statistics)
          return scores
        },
        outputs: async (images, name) => {
          const outputs = await scorer.outputs(images)
          if (name !== undefined) writeHeads(headsFile(trial.dir, name), images, outputs)
          return outputs
        },
      }
    }
  } finally {
    await scorer.close()
    await trainer.close()
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

function withWarmup(schedule: Schedule | ScheduleKind): Schedule {
  return parseSchedule(typeof schedule === 'string' ? { kind: schedule, warmup: 0.05 } : schedule)
}

function mean(results: readonly StepResult[]): StepResult {
  const of = (term: keyof StepResult) => results.reduce((sum, result) => sum + result[term], 0) / results.length
  return {
    semantic: of('semantic'),
    center: of('center'),
    offset: of('offset'),
    total: of('total'),
    gradNorm: of('gradNorm'),
  }
}
