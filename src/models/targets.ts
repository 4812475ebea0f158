import type { Category, Segment } from '../data/image_set.ts'
import type { Batch } from './batch.ts'

/** What the three heads learn from: a `Batch` without its images. */
export type Targets = Omit<Batch, 'images'>

/** A labelled picture, such as a crop: 0 is void, n is `segments[n - 1]`, anything beyond is void too. */
export interface Labelled {
  readonly height: number
  readonly width: number
  /** height x width, row-major. */
  readonly labels: Uint16Array
  /** Those of the scene; one that lies wholly outside the crop simply has no pixels. */
  readonly segments: readonly Segment[]
}

/** How labels become targets. The defaults are detectron2's, for images of about 512 x 1024 (`scaledTargets`). */
export interface TargetOptions {
  /** Standard deviation of the heat map's kernels, in pixels of the image. Default 10. */
  readonly sigma?: number
  /** Instances with fewer visible pixels weigh more in the semantic loss. Default 4096. */
  readonly smallInstanceArea?: number
  /** How much more they weigh. Default 3. */
  readonly smallInstanceWeight?: number
  /** Pixels of the image to one of the targets, along either axis. Default 1. */
  readonly stride?: number
  /** Whether crowds are left out of the semantic loss. Default true. */
  readonly ignoreCrowd?: boolean
}

/**
 * Target options in proportion to what is seen. The kernel is 5/16 of an instance's side (`instanceSide`), by default a
 * fifth of the image's short side as in the scenes of 64 x 64 that this was calibrated on. An instance is small below
 * 1/128 of the image, detectron2's 4096 pixels of a 512 x 1024 crop.
 */
export function scaledTargets(
  height: number,
  width: number,
  instanceSide: number = Math.min(height, width) / 5,
): Required<Pick<TargetOptions, 'sigma' | 'smallInstanceArea'>> {
  return { sigma: (5 / 16) * instanceSide, smallInstanceArea: (height * width) / 128 }
}

/** Room for the targets of some images of one size, height and width being multiples of `stride`. */
export function emptyTargets(size: number, height: number, width: number, stride: number): Targets {
  const cells = size * Math.floor(height / stride) * Math.floor(width / stride)
  return {
    size,
    semantic: new Int32Array(cells),
    semanticWeights: new Float32Array(cells),
    center: new Float32Array(cells),
    centerWeights: new Float32Array(cells),
    offset: new Float32Array(2 * cells),
    offsetWeights: new Float32Array(cells),
  }
}

/** The targets of one picture. */
export function makeTargets(picture: Labelled, categories: readonly Category[], options: TargetOptions = {}): Targets {
  const targets = emptyTargets(1, picture.height, picture.width, options.stride ?? 1)
  writeTargets(picture, categories, options, targets, 0)
  return targets
}

/**
 * Writes the targets of one picture over those at place `at`. What is written is detectron2's
 * PanopticDeepLabTargetGenerator (projects/Panoptic-DeepLab/panoptic_deeplab/target_generator.py), a crowd's kernel in the
 * heat map included, but for the semantic weight of ignored pixels: ours is 0.
 *
 * With a stride above 1 a cell takes the label of its pixel (stride >> 1, stride >> 1), while heat and offsets are those
 * of its exact middle, where bilinear upsampling puts the cell's value: an even stride has no middle pixel, and offsets
 * from the nearest one would be half a pixel off in every decoded image.
 */
export function writeTargets(
  picture: Labelled,
  categories: readonly Category[],
  options: TargetOptions,
  targets: Targets,
  at: number,
): void {
  const { sigma = 10, stride = 1 } = options
  const rows = Math.floor(picture.height / stride)
  const columns = Math.floor(picture.width / stride)
  const first = at * rows * columns
  const roles = rolesOf(picture, categories, options)
  const grid = { rows, columns, stride, first }

  writeCells(picture, roles, grid, targets)
  const heat = targets.center.subarray(first, first + rows * columns)
  heat.fill(0)
  for (const { center } of roles) if (center) raiseHeat(heat, grid, center, sigma)
}

/** What a pixel of one segment is to the losses. */
interface Role {
  readonly semantic: number
  readonly semanticWeight: number
  readonly centerWeight: number
  readonly offsetWeight: number
  /** Mean of the pixels, only of a thing with any. */
  readonly center: Center | undefined
}

interface Center {
  readonly y: number
  readonly x: number
}

/** Cells over a picture: they lie from `first` in each target's plane. */
interface Grid {
  readonly rows: number
  readonly columns: number
  readonly stride: number
  readonly first: number
}

const VOID: Role = { semantic: -1, semanticWeight: 0, centerWeight: 0, offsetWeight: 0, center: undefined }

/** By label: void, then the segments. */
function rolesOf(picture: Labelled, categories: readonly Category[], options: TargetOptions): readonly Role[] {
  const { smallInstanceArea = 4096, smallInstanceWeight = 3, ignoreCrowd = true } = options
  const { area, sumY, sumX } = momentsOf(picture)
  const roles = picture.segments.map((segment, i): Role => {
    const pixels = area[i + 1] ?? 0
    const isThing = categories[segment.category]?.isThing ?? false
    const isIgnored = segment.isCrowd && ignoreCrowd
    const weight = isThing && pixels < smallInstanceArea ? smallInstanceWeight : 1
    return {
      semantic: isIgnored ? -1 : segment.category,
      semanticWeight: isIgnored ? 0 : weight,
      centerWeight: segment.isCrowd ? 0 : 1,
      offsetWeight: isThing && !segment.isCrowd ? 1 : 0,
      center: isThing && pixels > 0 ? { y: sumY[i + 1]! / pixels, x: sumX[i + 1]! / pixels } : undefined,
    }
  })
  return [VOID, ...roles]
}

/** Pixels of each label, and the sums of their rows and columns: whole numbers, so the mean is as exact as numpy's. */
function momentsOf({ height, width, labels, segments }: Labelled) {
  const area = new Float64Array(segments.length + 1)
  const sumY = new Float64Array(segments.length + 1)
  const sumX = new Float64Array(segments.length + 1)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const label = labels[i]!
      if (label === 0 || label > segments.length) continue
      area[label]! += 1
      sumY[label]! += y
      sumX[label]! += x
    }
  }
  return { area, sumY, sumX }
}

function writeCells(picture: Labelled, roles: readonly Role[], grid: Grid, targets: Targets): void {
  const { rows, columns, stride, first } = grid
  const { semantic, semanticWeights, centerWeights, offset, offsetWeights } = targets
  const plane = rows * columns
  const pixel = stride >> 1
  for (let row = 0, cell = first; row < rows; row++) {
    const y = middleOf(row, stride)
    const line = (row * stride + pixel) * picture.width + pixel
    for (let column = 0; column < columns; column++, cell++) {
      const role = roles[picture.labels[line + column * stride]!] ?? VOID
      semantic[cell] = role.semantic
      semanticWeights[cell] = role.semanticWeight
      centerWeights[cell] = role.centerWeight
      offsetWeights[cell] = role.offsetWeight
      // The two planes of a picture lie together, behind those of the pictures before it.
      const { center } = role
      offset[first + cell] = center ? center.y - y : 0
      offset[first + cell + plane] = center ? center.x - middleOf(column, stride) : 0
    }
  }
}

/** Raises the heat map to a Gaussian around a centre; it is cut where detectron2's (6 sigma + 3)-wide stencil ends. */
function raiseHeat(heat: Float32Array, { rows, columns, stride }: Grid, center: Center, sigma: number): void {
  const vertical = profile(roundHalfEven(center.y), rows, stride, sigma)
  const horizontal = profile(roundHalfEven(center.x), columns, stride, sigma)
  for (const [i, weight] of vertical.weights.entries()) {
    const line = (vertical.from + i) * columns + horizontal.from
    for (let j = 0; j < horizontal.weights.length; j++) {
      const value = weight * horizontal.weights[j]!
      if (value > heat[line + j]!) heat[line + j] = value
    }
  }
}

/** One axis of a Gaussian: its values at the cells from `from` on that lie within its stencil. */
function profile(center: number, cells: number, stride: number, sigma: number) {
  const reach = 3 * sigma + 1
  const from = Math.max(0, Math.ceil((center - reach + 0.5) / stride - 0.5))
  const to = Math.min(cells - 1, Math.floor((center + reach + 0.5) / stride - 0.5))
  const weights = new Float64Array(Math.max(0, to - from + 1))
  for (let i = 0; i < weights.length; i++) {
    const distance = middleOf(from + i, stride) - center
    weights[i] = Math.exp(-(distance * distance) / (2 * sigma * sigma))
  }
  return { from, weights }
}

/** Where a cell's middle lies, in pixels: bilinear upsampling with half-pixel centres puts its value there. */
function middleOf(cell: number, stride: number): number {
  return (cell + 0.5) * stride - 0.5
}

/** Rounds as Python does: a half goes to the even neighbour. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
