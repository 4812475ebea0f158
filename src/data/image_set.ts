/** A class of a data set. Its place in `ImageSet.categories` is the class index that networks and labels use. */
export interface Category {
  /** The data set's own id. */
  readonly id: number
  readonly name: string
  readonly isThing: boolean
}

/** A segment of a scene as its JSON lists it. */
export interface Segment {
  readonly id: number
  /** Index into the set's categories. */
  readonly category: number
  readonly isCrowd: boolean
  /** Pixels, as the JSON says and as panopticapi trusts. */
  readonly area: number
}

/** Where one photograph and its labels lie in their set. */
export interface Scene {
  readonly imageId: number | string
  readonly file: string
  readonly height: number
  readonly width: number
  /** First pixel, counted in pixels over the whole set: RGB from `3 * at` in `pixels`, labels from `at`. */
  readonly at: number
  readonly segments: readonly Segment[]
}

/** An image of the JSON whose photograph or labels are missing or damaged. */
export interface DamagedImage {
  readonly imageId: number | string
  /** The file, and what is wrong with it. */
  readonly what: string
}

/**
 * Photographs with panoptic labels, checked and decoded, in memory that all workers share: it survives
 * `structuredClone`, which shares the arrays' SharedArrayBuffers instead of copying them.
 */
export interface ImageSet {
  /** Hash of everything the set was made from. */
  readonly id: string
  readonly categories: readonly Category[]
  readonly scenes: readonly Scene[]
  /** RGB, row by row, scene after scene; 0 to 255. */
  readonly pixels: Uint8Array
  /** One a pixel: 0 is void, n is `segments[n - 1]` of its scene, 65535 a pixel whose segment is not listed. */
  readonly labels: Uint16Array
  /** Images that could not be read, where they were left out or replaced. Default: none. */
  readonly damaged?: readonly DamagedImage[]
}
