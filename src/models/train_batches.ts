import { cutImage, cutLabels, DEFAULT_NORMALISATION, drawView } from '../data/augment.ts'
import type { AugmentOptions, Normalisation } from '../data/augment.ts'
import type { ImageSet } from '../data/image_set.ts'
import { sceneTurns, type Turn } from '../data/loader.ts'
import { TuneError } from '../errors.ts'
import { stream } from '../rng.ts'
import type { Batch } from './batch.ts'
import { emptyTargets, writeTargets, type TargetOptions } from './targets.ts'

export interface TrainBatchOptions {
  /** Crops in a batch. */
  readonly size: number
  /** Order, crops and all else that is random follow from it. */
  readonly seed: number
  readonly augment: AugmentOptions
  /** `stride` has to divide the crop's height and width. */
  readonly targets?: TargetOptions
  readonly normalisation?: Normalisation
  /** Indices of the scenes to train on. Default: all. */
  readonly scenes?: readonly number[]
}

/**
 * Training batches without end: shuffled epochs without replacement, cut anywhere into batches as detectron2's
 * TrainingSampler does, so a small set may come more than once in a batch. The crop of a scene follows from the seed, the
 * epoch and the scene alone.
 *
 * Two batches take turns in the same memory: one stays as it is until the second `next()` after it. So the next batch may
 * be made while a network still trains on this one, but none may be kept.
 */
export function* trainBatches(set: ImageSet, options: TrainBatchOptions): Generator<Batch, never> {
  checkOptions(set, options)
  const turns = sceneTurns(options.scenes ?? [...set.scenes.keys()], options.seed)
  const buffers = [emptyBatch(options), emptyBatch(options)] as const
  const labels = new Uint16Array(options.augment.height * options.augment.width)
  for (let i = 0; ; i = 1 - i) {
    const batch = buffers[i === 0 ? 0 : 1]
    for (let n = 0; n < batch.size; n++) writeExample(set, turns.next().value, options, labels, batch, n)
    yield batch
  }
}

function writeExample(
  set: ImageSet,
  turn: Turn,
  { seed, augment, targets = {}, normalisation = DEFAULT_NORMALISATION }: TrainBatchOptions,
  labels: Uint16Array,
  batch: Batch,
  at: number,
): void {
  const scene = set.scenes[turn.scene]!
  const { height, width } = augment
  const view = drawView(scene, augment, stream(seed, 'view', turn.epoch, turn.scene))
  cutImage(
    set,
    scene,
    view,
    normalisation,
    batch.images.subarray(at * 3 * height * width, (at + 1) * 3 * height * width),
  )
  cutLabels(set, scene, view, labels)
  writeTargets({ height, width, labels, segments: scene.segments }, set.categories, targets, batch, at)
}

function emptyBatch({ size, augment: { height, width }, targets }: TrainBatchOptions): Batch {
  return {
    ...emptyTargets(size, height, width, targets?.stride ?? 1),
    images: new Float32Array(size * 3 * height * width),
  }
}

function checkOptions(set: ImageSet, { size, augment, targets = {}, scenes }: TrainBatchOptions): void {
  const { height, width, scale = [1, 1] } = augment
  const { stride = 1, sigma = 10 } = targets
  if (!isCount(size)) throw invalid(`the batch size is ${size}, must be a whole number of 1 or more`)
  if (!isCount(height) || !isCount(width)) throw invalid(`a crop of ${height} x ${width} has no pixels`)
  if (height % stride !== 0 || width % stride !== 0) {
    const message = `a crop of ${height} x ${width} cannot be divided into targets of stride ${stride}`
    throw invalid(message, `make both multiples of ${stride}`)
  }
  if (!(scale[0] > 0 && scale[0] <= scale[1])) {
    throw invalid(
      `images cannot be resized by ${scale[0]} to ${scale[1]}`,
      'give the smaller factor first, such as [0.5, 2]',
    )
  }
  if (!(sigma > 0)) throw invalid(`the heat map's sigma is ${sigma}, must be greater than 0`)
  if ((scenes ?? set.scenes).length === 0) throw new TuneError('data/invalid', 'there is no image to train on')
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0
}

function invalid(message: string, hint?: string): TuneError {
  return new TuneError('params/invalid', message, hint === undefined ? {} : { hint })
}
