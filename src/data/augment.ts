import type { Rng } from '../rng.ts'
import type { Scene } from './image_set.ts'

/** How training crops are drawn. */
export interface AugmentOptions {
  /** Rows and columns of every crop. Smaller images lie somewhere within it, on void. */
  readonly height: number
  readonly width: number
  /** Whether half of the crops are mirrored, left to right. Default true. */
  readonly flip?: boolean
  /**
   * Least and greatest factor that images are resized by, alike in ratio. Default [1, 1]; [0.1, 2] is the large-scale
   * jitter of Ghiasi et al. 2021.
   */
  readonly scale?: readonly [number, number]
  /** Greatest change of brightness and of contrast, as a share of the full range. Default 0. */
  readonly light?: number
  /** Greatest change of saturation, as a share; hues turn by up to a fifth of it, in turns. SSD's is 0.5. Default 0. */
  readonly colour?: number
}

/** One way to look at a scene, as plain data: all chance is in it, and what is cut from it follows from it alone. */
export interface View {
  /** Size of the crop. */
  readonly height: number
  readonly width: number
  /** What the scene is resized by. */
  readonly scale: number
  /** First row and column of the crop in the resized scene; negative where padding comes first. */
  readonly top: number
  readonly left: number
  readonly isFlipped: boolean
  /** Factor around mid-grey, and what is added then, as a share of the full range. */
  readonly contrast: number
  readonly brightness: number
  /** Factor of the distance from grey. */
  readonly saturation: number
  /** How far colours go round the colour circle, in turns. */
  readonly hue: number
}

type Size = Pick<Scene, 'height' | 'width'>

/** Draws a view of a scene. It takes eight numbers whatever the options are: switching one off leaves the others alone. */
export function drawView(scene: Size, options: AugmentOptions, rng: Rng): View {
  const { height, width, flip = true, scale: range = [1, 1], light = 0, colour = 0 } = options
  const scale = range[0] * (range[1] / range[0]) ** rng.uniform()
  return {
    height,
    width,
    scale,
    top: drawStart(resized(scene.height, scale), height, rng),
    left: drawStart(resized(scene.width, scale), width, rng),
    isFlipped: rng.uniform() < 0.5 && flip,
    contrast: 1 + light * (2 * rng.uniform() - 1),
    brightness: 2 * light * rng.uniform() - light,
    saturation: 1 + colour * (2 * rng.uniform() - 1),
    hue: 0.2 * (2 * colour * rng.uniform() - colour),
  }
}

/** The view of a whole scene, resized by a factor, with padding below it and to its right. */
export function wholeView(height: number, width: number, scale = 1): View {
  const unchanged = { isFlipped: false, contrast: 1, brightness: 0, saturation: 1, hue: 0 }
  return { height, width, scale, top: 0, left: 0, ...unchanged }
}

/** A length resized by a factor, in whole pixels. */
export function resized(length: number, scale: number): number {
  return Math.max(1, Math.round(length * scale))
}

/** Anywhere inside when the image is larger, anywhere around it when it is smaller. */
function drawStart(image: number, crop: number, rng: Rng): number {
  return Math.min(0, image - crop) + rng.below(Math.abs(image - crop) + 1)
}
