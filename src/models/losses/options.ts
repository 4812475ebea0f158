import { TuneError } from '../../errors.ts'
import { checkOptions, listOf, notNegative, number, oneOf, parseKind, positive, share, type Rules } from '../options.ts'

/** How far the classes of pixels are from their labels. */
export type SemanticLoss = ClassWeights &
  (
    | {
        /** Cross-entropy of the pixels where it is largest. */
        readonly kind: 'cross_entropy'
        /** The part of all pixels that is averaged over. Default 0.2; 1 is a plain mean. */
        readonly hardPixels?: number
        /** Whether they are sought in the whole batch, as detectron2 does, or in each image, as deeplab2 does. Default `batch`. */
        readonly mining?: 'batch' | 'image'
      }
    | {
        /** Cross-entropy of the pixels whose label is given little probability. */
        readonly kind: 'ohem'
        /** Pixels below this probability count. Default 0.7. */
        readonly threshold?: number
        /** At least this part of all pixels counts. Default 0.05, the 100,000 of upstream's images. */
        readonly minKept?: number
      }
    | {
        /** Cross-entropy, less of it the surer the network is of the label. */
        readonly kind: 'focal'
        /** How much less. Default 2. */
        readonly gamma?: number
      }
    | {
        /** The overlap of each class with its labels, whatever its size. */
        readonly kind: 'dice'
      }
  )

interface ClassWeights {
  /** One factor a class. Default: 1 each. */
  readonly classWeights?: readonly number[]
}

/**
 * How instances of a prediction weigh the losses of the pixels that they cover (see `instanceWeights`). Without a floor most
 * pixels weigh nothing: `mining: 'image'` averages the semantic loss over those that do.
 */
export interface InstanceWeighting {
  readonly kind: 'cross_entropy' | 'inconsistency'
  /** Least weight of any pixel. Default 0. */
  readonly floor?: number
}

/** What the losses are made of, as plain data; how much each counts is `LossWeights`. The defaults are detectron2's. */
export interface LossOptions {
  /** Default `cross_entropy`. */
  readonly semantic?: SemanticLoss | SemanticLoss['kind']
  /**
   * Whether the offset's absolute error, summed over both directions, is averaged over pixels, as detectron2 does, or over
   * values, as upstream does: half as much. Default `pixels`.
   */
  readonly offsetMean?: 'pixels' | 'values'
  /** Softens both the teacher and the network in the distillation loss. Default 1. */
  readonly temperature?: number
  /**
   * Whether the weights of the losses stay as given or are learned on top of that, by their uncertainty (Kendall et al.
   * 2018): a loss L of weight w adds `exp(-s) w L + s / 2`, where s starts at 0. Default `fixed`.
   */
  readonly weighting?: 'fixed' | 'learned'
  /** Default: none. It replaces the weights of small instances. */
  readonly instances?: InstanceWeighting | InstanceWeighting['kind']
  /** Pixels of the image to one of the targets, along either axis; divides the network's stride. Default: that stride. */
  readonly stride?: number
}

/** Loss options with their defaults. */
export interface Losses {
  readonly semantic: SemanticLoss
  readonly offsetMean: 'pixels' | 'values'
  readonly temperature: number
  readonly weighting: 'fixed' | 'learned'
  readonly instances: InstanceWeighting | undefined
  readonly stride: number | undefined
}

const CLASS_WEIGHTS: Rules = { classWeights: listOf(notNegative, 'a list of numbers of at least 0') }
const SEMANTIC: Readonly<Record<SemanticLoss['kind'], Rules>> = {
  cross_entropy: { ...CLASS_WEIGHTS, hardPixels: share, mining: oneOf('batch', 'image') },
  ohem: { ...CLASS_WEIGHTS, threshold: share, minKept: share },
  focal: { ...CLASS_WEIGHTS, gamma: notNegative },
  dice: CLASS_WEIGHTS,
}
const INSTANCES = { cross_entropy: { floor: notNegative }, inconsistency: { floor: notNegative } }
const LOSSES: Rules = {
  semantic: { holds: () => true, wanted: 'a semantic loss' },
  offsetMean: oneOf('pixels', 'values'),
  temperature: positive,
  weighting: oneOf('fixed', 'learned'),
  instances: { holds: () => true, wanted: 'an instance weighting' },
  stride: number((value) => Number.isInteger(value) && value > 0, 'a whole number above 0'),
}

/** Loss options, checked and completed, for a network of so many classes. Throws `params/invalid`. */
export function parseLosses(options: LossOptions, classes: number): Losses {
  checkOptions('losses', options, LOSSES)
  const semantic = parseKind<SemanticLoss>('semantic loss', options.semantic ?? 'cross_entropy', SEMANTIC)
  checkClassWeights(semantic.classWeights, classes)
  const { offsetMean = 'pixels', temperature = 1, weighting = 'fixed', stride } = options
  const instances =
    options.instances === undefined
      ? undefined
      : parseKind<InstanceWeighting>('instance weighting', options.instances, INSTANCES)
  return { semantic, offsetMean, temperature, weighting, instances, stride }
}

function checkClassWeights(weights: readonly number[] | undefined, classes: number): void {
  if (!weights || weights.length === classes) return
  throw new TuneError('params/invalid', `there are ${weights.length} classWeights for ${classes} classes`, {
    hint: 'give one factor a class, in the order of the categories',
  })
}
