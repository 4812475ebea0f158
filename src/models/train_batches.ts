import { drawView, type AugmentOptions } from '../data/augment.ts'
import { cutImage, cutLabels } from '../data/cut.ts'
import type { ImageSet } from '../data/image_set.ts'
import { DEFAULT_NORMALISATION, normalisationFor } from '../data/normalisation.ts'
import type { DomainNormalisation, Normalisation } from '../data/normalisation.ts'
import { planBatches, type BatchPlan, type PlanOptions, type Turn } from '../data/turns.ts'
import { stream } from '../rng.ts'
import type { Batch } from './batch.ts'
import { checkBatchOptions } from './check_batches.ts'
import { emptyTargets, writeTargets, type TargetOptions } from './targets.ts'

/** What a stream of training batches follows from, as plain data. Order, crops and all else that is random have one seed. */
export interface TrainBatchOptions extends PlanOptions {
  readonly augment: AugmentOptions
  /** `stride` has to divide the crop's height and width. */
  readonly targets?: TargetOptions
  readonly normalisation?: Normalisation | DomainNormalisation
  /** Where a training goes on that was stopped: how many batches it took. Default: none. */
  readonly taken?: Taken
}

/** Batches that were taken. What follows them follows from their number and what they were told. */
export interface Taken {
  readonly batches: number
  /** The losses that were told of each of them; needed for hard-example mining only. */
  readonly losses?: readonly ArrayLike<number>[]
}

/** The loss of each scene of a batch, in its order. */
export type SceneLosses = ArrayLike<number> | undefined

/**
 * Training batches without end. The crop of a scene follows from the seed, the epoch and the scene alone. `next(losses)`
 * takes the losses of the batch before, which hard-example mining wants to know.
 *
 * Two batches take turns in the same memory: one stays as it is until the second `next()` after it. So the next batch may
 * be made while a network still trains on this one, but none may be kept.
 */
export function* trainBatches(set: ImageSet, options: TrainBatchOptions): Generator<Batch, never, SceneLosses> {
  checkBatchOptions(set, options)
  const plan = planFrom(set, options)
  const write = batchWriter(set, options)
  const buffers = [emptyBatch(options), emptyBatch(options)] as const
  for (let i = 0; ; i = 1 - i) {
    const losses = yield write(plan.next(), buffers[i === 0 ? 0 : 1])
    if (losses) plan.heed(losses)
  }
}

/** The plan behind the batches that were taken. */
export function planFrom(set: ImageSet, { taken, ...options }: TrainBatchOptions): BatchPlan {
  const plan = planBatches(set, options)
  for (let i = 0; i < (taken?.batches ?? 0); i++) {
    plan.next()
    const losses = taken?.losses?.[i]
    if (losses) plan.heed(losses)
  }
  return plan
}

/** Makes batches: writes the crops of some turns and their targets over a batch. */
export function batchWriter(
  set: ImageSet,
  options: TrainBatchOptions,
): (turns: readonly Turn[], batch: Batch) => Batch {
  const { seed, augment, targets = {}, normalisation = DEFAULT_NORMALISATION } = options
  const { height, width } = augment
  const values = 3 * height * width
  const labels = new Uint16Array(height * width)
  return (turns, batch) => {
    for (const [n, turn] of turns.entries()) {
      const scene = set.scenes[turn.scene]!
      const view = drawView(scene, augment, viewStream(seed, turn))
      const image = batch.images.subarray(n * values, (n + 1) * values)
      cutImage(set, scene, view, normalisationFor(scene, normalisation), image)
      cutLabels(set, scene, view, labels)
      writeTargets({ height, width, labels, segments: scene.segments }, set.categories, targets, batch, n)
    }
    return batch
  }
}

/** Room for a batch. */
export function emptyBatch({ size, augment: { height, width }, targets }: TrainBatchOptions): Batch {
  return {
    ...emptyTargets(size, height, width, targets?.stride ?? 1),
    images: new Float32Array(size * 3 * height * width),
  }
}

/** A scene that comes again within an epoch is seen in another way. */
function viewStream(seed: number, { epoch, scene, repeat }: Turn) {
  return repeat === 0 ? stream(seed, 'view', epoch, scene) : stream(seed, 'view', epoch, scene, repeat)
}
