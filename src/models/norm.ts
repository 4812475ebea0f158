import { count, within, type Named } from './config.ts'
import { batchNorm } from './graph/batch_norm.ts'
import { misfit, parameter, sizes4, type Tensor } from './graph/graph.ts'
import { groupNorm } from './graph/group_norm.ts'

/** What a network normalises its channels by. */
export const NORMS = {
  /** Over groups of channels of each image: the same in training and evaluation, and for any batch. */
  group: {
    options: {
      /** Divides the channels of every layer. Default 8. */
      groups: count(8),
    },
  },
  /** Over each channel of the batch; in evaluation, and where frozen, by running statistics. */
  batch: {
    options: {
      /** How much of the running statistics each batch replaces, 0 to 1. Default 0.1; the papers': 0.01. */
      momentum: within(0, 1, 0.1),
    },
  },
} as const

export type Norm = Named<typeof NORMS>

/** Normalises, then scales and shifts each channel by parameters of the layer being written. */
export function normalize(x: Tensor, norm: Norm): Tensor {
  const [, channels] = sizes4(x)
  if (norm.name === 'group' && channels % norm.groups !== 0) {
    const hint = `choose channels that are multiples of ${norm.groups}, fewer groups, or the norm 'batch'`
    throw misfit(`${channels} channels are not divided by 'norm.groups' ${norm.groups}`, [x], hint)
  }
  const scale = parameter(x.graph, 'scale', [channels], { kind: 'constant', value: 1 })
  const shift = parameter(x.graph, 'shift', [channels], { kind: 'constant', value: 0 })
  return norm.name === 'group' ? groupNorm(x, scale, shift, norm.groups) : batchNorm(x, scale, shift, norm)
}
