import { count, fields, flag, oneOf, type Config } from './config.ts'
import type { Tensor } from './graph/graph.ts'
import { convNormRelu, separableConvNormRelu, type Style } from './layers.ts'

const options = {
  /** Side of the windows: 3, 5 or 7. Default 3. */
  kernel: oneOf([3, 5, 7], 3),
  /** Whether each is one a channel and one a pixel in place of one of both. Default false. */
  separable: flag(false),
  /** How many follow one another. Default 1. */
  repeat: count(1),
}

/** The convolutions that a decoder fuses with and that a head begins with. */
export type Convs = Config<typeof options>

export const convs = fields(options)

export interface ConvsLayer extends Convs {
  readonly style: Style
  /** Channels of all but the last. */
  readonly inner: number
  readonly channels: number
}

/** Convolutions one after another, each with its normalisation and ReLU: `hidden`, or `hidden1`, `hidden2`, ... */
export function convsNormRelu(name: string, x: Tensor, layer: ConvsLayer): Tensor {
  const { kernel, separable, repeat, style, inner, channels } = layer
  const write = separable ? separableConvNormRelu : convNormRelu
  let last = x
  for (let i = 1; i <= repeat; i++) {
    const own = repeat === 1 ? name : `${name}${i}`
    last = write(own, last, { ...style, kernel, channels: i === repeat ? channels : inner })
  }
  return last
}
