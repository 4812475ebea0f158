import type { Rng } from '../rng.ts'
import type { Outline } from './shape_outlines.ts'
import { hash, type Colour, type Texture } from './shape_textures.ts'

/** What a scene is drawn on. */
export interface Canvas {
  readonly size: number
  /** Pixels of this scene for one pixel of a 64-pixel scene. */
  readonly unit: number
  /** RGB, 0 to 1. */
  readonly light: Float32Array
  /** For each pixel 0 or n for the n-th segment drawn. */
  readonly owners: Uint16Array
}

/** A painted outline. */
export interface Part {
  readonly outline: Outline
  readonly texture: Texture
  readonly x: number
  readonly y: number
  /** Turn in radians. */
  readonly angle: number
  /** No pixel farther than this from (x, y) is inside. */
  readonly reach: number
}

export function blankCanvas(size: number): Canvas {
  return { size, unit: size / 64, light: new Float32Array(3 * size * size), owners: new Uint16Array(size * size) }
}

/** Paints a part with smooth edges; it owns the pixels whose centre is inside. An outline is nobody's: void. */
export function drawPart({ size, light, owners }: Canvas, part: Part, owner: number, isOutlined: boolean): void {
  const { outline, texture, reach } = part
  const [cos, sin] = [Math.cos(part.angle), Math.sin(part.angle)]
  const [left, right] = [Math.max(0, Math.floor(part.x - reach)), Math.min(size - 1, Math.ceil(part.x + reach))]
  const [top, bottom] = [Math.max(0, Math.floor(part.y - reach)), Math.min(size - 1, Math.ceil(part.y + reach))]
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [dx, dy] = [x - part.x, y - part.y]
      const distance = outline(cos * dx + sin * dy, cos * dy - sin * dx)
      if (distance < 0.5) blend(light, 3 * (y * size + x), texture(dx, dy), Math.min(1, 0.5 - distance))
      if (distance < 0) owners[y * size + x] = owner
      if (isOutlined && Math.abs(distance) < 0.7) owners[y * size + x] = 0
    }
  }
}

/** A grey blot that nobody labelled: what is below it shows through, and is void. */
export function drawSmudge({ size, unit, light, owners }: Canvas, rng: Rng): void {
  const [midX, midY] = [size * rng.uniform(), size * rng.uniform()]
  const radius = unit * (5 + 4 * rng.uniform())
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const wobble = 1 + 0.2 * Math.sin(3 * Math.atan2(y - midY, x - midX))
      const depth = 1 - Math.hypot(x - midX, y - midY) / (radius * wobble)
      if (depth <= 0) continue
      blend(light, 3 * (y * size + x), GREY, Math.min(0.85, 2 * depth))
      owners[y * size + x] = 0
    }
  }
}

/** The photograph: the light of the scene under one lamp, with the grain of a cheap camera. */
export function develop({ light }: Canvas, rng: Rng): Uint8Array {
  const seed = rng.below(2 ** 31)
  const gain = [0, 0, 0].map(() => 255 * (0.9 + 0.2 * rng.uniform()))
  const grain = 255 * (0.08 + 0.1 * rng.uniform())
  const pixels = new Uint8ClampedArray(light.length)
  for (let i = 0; i < light.length; i++) {
    const noise = hash(seed, i, 0) + hash(seed, i, 1) - 1
    pixels[i] = gain[i % 3]! * light[i]! + grain * noise
  }
  return new Uint8Array(pixels.buffer)
}

const GREY: Colour = [0.5, 0.5, 0.5]

function blend(light: Float32Array, at: number, colour: Colour, part: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const below = light[at + channel]!
    light[at + channel] = below + (colour[channel]! - below) * part
  }
}
