import type { Json } from '../json.ts'
import type { Config, Part, Readers } from './config.ts'
import type { Tensor } from './graph/graph.ts'
import type { Norm } from './norm.ts'

/** What the network says about a batch, at its own stride. */
export interface Heads {
  /** N x classes x h x w. */
  readonly semantic: Tensor
  /** N x 1 x h x w. Absent where a network knows no instances, and so are the offsets. */
  readonly center?: Tensor
  /** N x 2 x h x w, (dy, dx) in cells of the output: times the stride they are pixels of the image. */
  readonly offset?: Tensor
}

/** What a network tells apart. */
interface Classes {
  readonly classes: number
  /** Which of them are things. */
  readonly things: readonly number[]
}

/** All models predict at this stride: pixels of the image to one cell of the heads' outputs. */
export const STRIDE = 4

/** What a network makes of a backbone's features. One more is a file with a constant of this kind and a line in zoo.ts. */
export interface Architecture<R extends Readers = Readers> extends Part<R> {
  /** `features` run from stride 4, fine to coarse, and each is half the size of the one before. */
  heads(features: readonly Tensor[], config: Config<R>, about: Classes & { readonly norm: Norm }): Heads
}

/** A network: everything but its weights and the size of its images. */
export interface Model extends Classes {
  readonly name: string
  /** Plain data that `buildModel` makes the same network of: every option with its value. */
  readonly config: Json
  /** Pixels of the image to one cell of the heads' outputs. */
  readonly stride: number
  /** Images are padded to a multiple of this. */
  readonly divisor: number
  /** Writes the network behind some images, N x 3 x H x W, whose sides `divisor` divides. */
  forward(images: Tensor): Heads
}
