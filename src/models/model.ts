import type { Tensor } from './graph/graph.ts'

/** What the network says about a batch, at its own stride. */
export interface Heads {
  /** N x classes x h x w. */
  readonly semantic: Tensor
  /** N x 1 x h x w. */
  readonly center: Tensor
  /** N x 2 x h x w, (dy, dx) in cells of the output: times the stride they are pixels of the image. */
  readonly offset: Tensor
}

/** A network and how it is trained: everything but its weights and the size of its images. */
export interface Model {
  readonly name: string
  readonly classes: number
  /** Pixels of the image to one cell of the heads' outputs. */
  readonly stride: number
  /** Images are padded to a multiple of this. */
  readonly divisor: number
  /** Pixels of the image to one of the losses' targets. */
  readonly lossStride: number
  /** The part of all pixels that the semantic loss averages over: those with the largest loss. */
  readonly hardPixels: number
  /** Writes the network behind some images, N x 3 x H x W. */
  forward(images: Tensor): Heads
}
