import { TuneError } from '../../errors.ts'
import type { Tensor } from '../graph/graph.ts'
import { flag, fraction, parseKind, positive, type Rules } from '../options.ts'
import { adam } from './adam.ts'
import { adamW } from './adamw.ts'
import { sgd } from './sgd.ts'

/** Which optimizer, as plain data; the learning rate and the weight decay are fed at every step. */
export type OptimizerOptions =
  | {
      /** Weight decay is added to the gradient, as in all of PyTorch's but AdamW. */
      readonly kind: 'sgd'
      /** Default 0.9. */
      readonly momentum?: number
      /** Default false. */
      readonly nesterov?: boolean
    }
  | ({ /** Weight decay is added to the gradient. */ readonly kind: 'adam' } & AdamOptions)
  | ({ /** Weight decay is taken off the weights, apart from the gradient. */ readonly kind: 'adamw' } & AdamOptions)

export interface AdamOptions {
  /** Default 0.9. */
  readonly beta1?: number
  /** Default 0.999. */
  readonly beta2?: number
  /** Default 1e-8. */
  readonly epsilon?: number
}

/** The state before a step and what the step is taken with. Vectors have one element a weight. */
export interface Step {
  readonly weights: Tensor
  /** In the order of the optimizer's `slots`. */
  readonly slots: readonly Tensor[]
  readonly gradient: Tensor
  readonly lr: Tensor
  readonly weightDecay: Tensor
  /** A scalar that counts from 1. */
  readonly step: Tensor
  /** A vector: factors of the LR. */
  readonly lrScale: Tensor
  /** A vector: factors of the weight decay. */
  readonly decays: Tensor
}

/** The state after a step. */
interface Stepped {
  readonly weights: Tensor
  readonly slots: readonly Tensor[]
}

/** How weights follow their gradient. */
export interface Optimizer {
  /** Names of the vectors that it keeps beside the weights, each as long as these and 0 before the first step. */
  readonly slots: readonly string[]
  step(state: Step): Stepped
}

const ADAM: Rules = { beta1: fraction, beta2: fraction, epsilon: positive }
const KINDS: Readonly<Record<OptimizerOptions['kind'], Rules>> = {
  sgd: { momentum: fraction, nesterov: flag },
  adam: ADAM,
  adamw: ADAM,
}

/** The optimizer of a kind, by its name or its plain data. Throws `params/invalid`. */
export function optimizerOf(value: OptimizerOptions | OptimizerOptions['kind'] = 'adamw'): Optimizer {
  const options = parseKind<OptimizerOptions>('optimizer', value, KINDS)
  if (options.kind === 'sgd') return sgd(checkedSgd(options))
  return options.kind === 'adam' ? adam(options) : adamW(options)
}

function checkedSgd<T extends Extract<OptimizerOptions, { kind: 'sgd' }>>(options: T): T {
  if (!options.nesterov || options.momentum !== 0) return options
  throw new TuneError('params/invalid', "optimizer 'sgd': nesterov is true, but momentum is 0", {
    hint: 'give momentum a value above 0, or leave nesterov out',
  })
}
