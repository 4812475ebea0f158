import { sumOverPixels } from './channels.ts'
import { inputGradient, weightGradient } from './conv_gradient.ts'
import { convAttributes } from './conv_geometry.ts'
import { emit, misfit, sizes4, type Tensor } from './graph.ts'
import { differentiable } from './reverse.ts'

export interface ConvOptions {
  /** One number a channel of the result, added to it. */
  readonly bias?: Tensor
  readonly stride?: number
  readonly dilation?: number
  /** Channels are connected only within a group; as many groups as channels make it depthwise. */
  readonly groups?: number
}

/** Convolution of `x`, N x C x H x W, with `weight`, C' x C/groups x k x k. */
export function conv(x: Tensor, weight: Tensor, options: ConvOptions = {}): Tensor {
  const { bias, stride = 1, dilation = 1, groups = 1 } = options
  const [size, channels, height, width] = sizes4(x)
  const [filters, inner, kernel] = sizes4(weight)
  if (inner * groups !== channels)
    throw misfit(`convolution of ${channels} channels with weights for ${inner * groups}`, [x, weight])
  if (kernel % 2 === 0 || filters % groups !== 0)
    throw misfit(`kernel of an even size, or filters that ${groups} groups do not divide`, [x, weight])

  const geometry = { kernel, stride, dilation, groups, padding: (dilation * (kernel - 1)) / 2 }
  const shape = [size, filters, Math.ceil(height / stride), Math.ceil(width / stride)]
  const y = emit('Conv', bias ? [x, weight, bias] : [x, weight], { shape }, convAttributes(geometry))
  return differentiable(
    y,
    [x, (dy) => inputGradient(dy, x, weight, geometry)],
    [weight, (dy) => weightGradient(dy, x, weight, geometry)],
    ...(bias ? [[bias, sumOverPixels] as const] : []),
  )
}
