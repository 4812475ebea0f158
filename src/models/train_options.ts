import type { AugmentOptions } from '../data/augment.ts'
import type { ImageSet } from '../data/image_set.ts'
import type { Resize } from '../data/loader.ts'
import type { DomainNormalisation, Normalisation } from '../data/normalisation.ts'
import type { PlanOptions } from '../data/turns.ts'
import type { TrialContext } from '../study.ts'
import type { DecodeOptions } from './decode.ts'
import type { LossWeights } from './losses/terms.ts'
import type { Schedule, ScheduleKind } from './schedule.ts'
import type { TargetOptions } from './targets.ts'
import type { TrainerOptions } from './trainer.ts'
import type { WarmStart } from './warm_start.ts'
import type { ModelOptions } from './zoo.ts'

/** What a training may say of its optimizer and losses: see `TrainerOptions`. */
type Optimization = Pick<TrainerOptions, 'losses' | 'optimizer' | 'clipping' | 'groups' | 'accumulate' | 'average'>

/** All that a training follows from. Only the first two have no default. */
export interface TrainOptions extends Optimization {
  /** The trial that this training is: its seed, device, directory and number of reports, and what it goes on from. */
  readonly trial: Pick<TrialContext, 'seed' | 'device' | 'signal' | 'maxSteps' | 'dir'> & Partial<Pick<TrialContext, 'reported' | 'from'>> // prettier-ignore
  readonly set: ImageSet

  /** Factors of the losses. Default: Panoptic-DeepLab's, `{ semantic: 1, center: 200, offset: 0.01 }`. */
  readonly weights?: LossWeights
  /** Default: a small Panoptic-DeepLab. */
  readonly model?: ModelOptions
  /** Default: the network as `trial.from` left it, optimizer and all; else weights drawn from the trial's seed. */
  readonly from?: WarmStart

  /** Base learning rate. Default 0.003. */
  readonly lr?: number
  /** Default `poly`. A schedule by its name, but `one_cycle`, gets a linear warm-up over the first 5 % of all steps. */
  readonly schedule?: Schedule | ScheduleKind
  /** Factor of the backbone's learning rate; 0 freezes it. Default 1. */
  readonly backbone?: number
  /** Weight decay, none on norms and biases. Default 1e-4. */
  readonly weightDecay?: number
  /** Largest norm of the gradient, or what else `clipping` says. Default 10. */
  readonly clip?: number
  /** Parts of the network that stay as they are, running statistics included: `backbone`. Default: none. */
  readonly freeze?: readonly string[]
  /** What changes on the way. Each holds until the next one begins. Default: nothing. */
  readonly phases?: readonly Phase[]

  /** Training steps between two reports; all steps are this times `trial.maxSteps`. Default 100. */
  readonly every?: number
  /** Crops a batch. Default 4. */
  readonly batch?: number
  /** Side of the training crops, in pixels, a multiple of the network's coarsest stride. Default 64. */
  readonly crop?: number
  /** How crops are drawn from their images. Default: anywhere, mirrored or not, at their own size and in their own light. */
  readonly augment?: Omit<AugmentOptions, 'height' | 'width'>
  /** Which images come how often. Default: each once an epoch. */
  readonly sampling?: Pick<PlanOptions, 'balance' | 'hardest'>
  /** How pixels become inputs, in training and in scoring. Default: all images alike, 0 to 255 to -2 to 2. */
  readonly normalisation?: Normalisation | DomainNormalisation
  /** The size that images are scored at; predictions are brought back to their own. Default: as large as they are. */
  readonly resize?: Resize
  /** A checkpoint of the network that the loss `distillation` is to follow, of the same classes. */
  readonly teacher?: string
  /** Whether a thread of its own makes the batches. It pays on a GPU, and with large or resized crops. Default false. */
  readonly loaderThread?: boolean

  /** Default: in proportion to the crop and to the set's instances. */
  readonly targets?: Omit<TargetOptions, 'stride'>
  /** Default: in proportion to each image and to the set's instances. */
  readonly decode?: DecodeOptions
  /**
   * When the trial's directory gets a checkpoint, `model.safetensors`. Default `last`: with the last report. Unless it is
   * `never`, `checkpoint/` beside it has what the trial goes on from after a pause or an interruption.
   */
  readonly checkpoints?: 'never' | 'last' | 'every'
}

/** A part of a training in which something differs from its options. */
export interface Phase {
  /** Where it begins, as a share of all steps: above 0 and below 1, ascending. */
  readonly after: number
  readonly weights?: LossWeights
  readonly freeze?: readonly string[]
  /** Factor of the learning rate that the schedule gives. Default 1. */
  readonly lr?: number
}
