/**
 * What one training step reads: images and the targets of Panoptic-DeepLab, N x channels x rows x columns, row-major.
 * Images are H x W; targets are h x w, where h = H / lossStride and w = W / lossStride.
 */
export interface Batch {
  readonly size: number
  /** N x 3 x H x W, normalised to zero mean and unit variance or thereabouts. */
  readonly images: Float32Array
  /** N x h x w class indices; -1 is ignored. */
  readonly semantic: Int32Array
  /** N x h x w factors of the semantic loss: 1, more for small instances, 0 where ignored. */
  readonly semanticWeights: Float32Array
  /** N x 1 x h x w heat map of instance centres, 0 to 1. */
  readonly center: Float32Array
  /** N x 1 x h x w, 0 or 1. */
  readonly centerWeights: Float32Array
  /** N x 2 x h x w, (dy, dx) from a pixel to its instance's centre, in pixels of the image. */
  readonly offset: Float32Array
  /** N x 1 x h x w, 0 or 1. */
  readonly offsetWeights: Float32Array
  /** N x classes x h x w probabilities that a teacher gives (`withTeacher`). Default: none. */
  readonly soft?: Float32Array
  /** N x 1 x h x w factors of all losses but the teacher's, at least 0 (`instanceWeights`). Default: none. */
  readonly instanceWeights?: Float32Array
}

/**
 * What the heads say about some images, at the images' own size: the network's outputs are upsampled (bilinear, half
 * pixel) inside the graph, as detectron2 does before its post-processing.
 */
export interface HeadOutputs {
  readonly size: number
  readonly height: number
  readonly width: number
  /** N x H x W class indices, the arg max of the semantic logits. */
  readonly semantic: Int32Array
  /** N x 1 x H x W heat map. */
  readonly center: Float32Array
  /** N x 2 x H x W, (dy, dx) in pixels of the image. */
  readonly offset: Float32Array
}
