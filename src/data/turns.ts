import { shuffled, stream } from '../rng.ts'
import { repeatFactors, type Balance } from './balance.ts'
import { hardExamples } from './hard_examples.ts'
import type { ImageSet } from './image_set.ts'

/** One turn in training: a scene of the set, and how often it had its turn before. */
export interface Turn {
  readonly epoch: number
  /** Index into the set's scenes. */
  readonly scene: number
  /** Which of its turns in this epoch it is, from 0. */
  readonly repeat: number
}

/**
 * Scenes without end. An epoch has each of them as often as its factor says, in an order of the epoch's own: twice or
 * three times for 2.3, by chance, as in detectron2's RepeatFactorTrainingSampler. Factors are asked for when an epoch
 * begins, and 1 or more.
 */
export function* sceneTurns(
  scenes: readonly number[],
  seed: number,
  factorOf: (scene: number) => number = () => 1,
): Generator<Turn, never> {
  for (let epoch = 0; ; epoch++) {
    const chance = stream(seed, 'repeats', epoch)
    const turns = scenes.flatMap((scene) => {
      const factor = factorOf(scene)
      const times = Math.floor(factor) + (chance.uniform() < factor % 1 ? 1 : 0)
      return Array.from({ length: times }, (_, repeat) => ({ epoch, scene, repeat }))
    })
    yield* shuffled(turns, stream(seed, 'order', epoch))
  }
}

export interface PlanOptions {
  /** Scenes in a batch. */
  readonly size: number
  /** The order follows from it. */
  readonly seed: number
  /** Indices of the scenes to train on. Default: all. */
  readonly scenes?: readonly number[]
  /** Lets rare classes or domains come more often. Default: every scene once an epoch. */
  readonly balance?: Balance
  /**
   * Hard-example mining: a scene whose last loss was above the mean comes that many times more often, at most so many
   * times. Default 1: never. The losses of a batch count from the first epoch that begins `HEEDED_AFTER` batches later.
   */
  readonly hardest?: number
}

/** Which scenes come in which batch. It follows from the options and the losses that it was told, whenever that was. */
export interface BatchPlan {
  /** The turns of the next batch. */
  next(): readonly Turn[]
  /** Tells how large the loss of each scene was in the first batch that it was not told of. */
  heed(losses: ArrayLike<number>): void
}

/** Epochs cut anywhere into batches as by detectron2's TrainingSampler: a small set may come more than once in one. */
export function planBatches(set: Pick<ImageSet, 'scenes'>, options: PlanOptions): BatchPlan {
  const { size, seed, scenes = [...set.scenes.keys()], balance, hardest = 1 } = options
  const factors = balance ? repeatFactors(set, scenes, balance) : new Map<number, number>()
  const hard = hardExamples(hardest)
  const turns = sceneTurns(scenes, seed, (scene) => (factors.get(scene) ?? 1) * hard.factorOf(scene))
  return {
    next() {
      hard.catchUp()
      const batch = Array.from({ length: size }, () => turns.next().value)
      hard.taken(batch)
      return batch
    },
    heed: hard.heed,
  }
}
