import type { Config, Part, Readers } from '../config.ts'
import type { Tensor } from '../graph/graph.ts'
import type { Norm } from '../norm.ts'

/** What a network looks at images with. One more is a file with a constant of this kind and a line in zoo.ts. */
export interface Backbone<R extends Readers = Readers> extends Part<R> {
  /** Pixels of the image to a cell of the coarsest features: a power of two. */
  stride(config: Config<R>): number
  /**
   * Feature maps of images, N x 3 x H x W, from fine to coarse: at every stride from 4 or a finer one to the coarsest.
   * Of several at one stride the last counts.
   */
  features(images: Tensor, config: Config<R>, norm: Norm): readonly Tensor[]
}

/**
 * How a backbone that would go on to `stride` stays at `coarsest`: what it does not step over, its windows reach over
 * (Chen et al. 2017).
 */
export function steps(
  step: number,
  stride: number,
  coarsest: number,
): { readonly stride: number; readonly dilation: number } {
  return stride <= coarsest ? { stride: step, dilation: 1 } : { stride: 1, dilation: stride / coarsest }
}
