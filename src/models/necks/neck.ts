import type { Config, Part, Readers } from '../config.ts'
import type { Convs } from '../convs.ts'
import type { Tensor } from '../graph/graph.ts'
import type { Style } from '../layers.ts'

/**
 * Brings a backbone's features, from fine to coarse and each half the size of the one before, together at the finest's
 * size. The two steps are apart so that branches of a network can share the first.
 */
export interface Neck<R extends Readers = Readers> extends Part<R> {
  /** Has the coarsest features see more of the image. */
  context(features: readonly Tensor[], config: Config<R>, style: Style): readonly Tensor[]
  decode(features: readonly Tensor[], config: Config<R>, decoder: Decoder): Tensor
}

/** What the branches of a network may differ in. */
export interface Decoder {
  readonly channels: number
  /** Channels that the finest features are brought to where they are joined with coarser ones. */
  readonly lowLevel: number
  readonly convs: Convs
  readonly style: Style
}
