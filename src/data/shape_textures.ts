import type { Rng } from '../rng.ts'

/** Red, green and blue, 0 to 1. */
export type Colour = readonly [number, number, number]

/** The colour of a pixel. */
export type Texture = (x: number, y: number) => Colour

/** Bands at any angle, `unit` pixels of a 64-pixel scene wide. */
export function stripes(hue: number, unit: number, rng: Rng): Texture {
  const [dark, light] = tones(hue, 0.45, rng)
  const angle = Math.PI * rng.uniform()
  const wave = (2 * Math.PI) / (unit * between(rng, 5, 8))
  const [dx, dy] = [wave * Math.cos(angle), wave * Math.sin(angle)]
  return (x, y) => mix(dark, light, 0.5 + 0.5 * Math.sin(dx * x + dy * y))
}

/** A chessboard at any angle. */
export function checks(hue: number, unit: number, rng: Rng): Texture {
  const [dark, light] = tones(hue, 0.4, rng)
  const angle = Math.PI * rng.uniform()
  const cell = unit * between(rng, 3.5, 5.5)
  const [cos, sin] = [Math.cos(angle) / cell, Math.sin(angle) / cell]
  return (x, y) => ((Math.floor(cos * x + sin * y) + Math.floor(cos * y - sin * x)) & 1 ? dark : light)
}

/** Grains of two pixels, each of its own brightness. */
export function gravel(hue: number, unit: number, rng: Rng): Texture {
  const [dark, light] = tones(hue, 0.12, rng)
  const seed = rng.below(2 ** 31)
  const grain = Math.max(1, Math.round(2 * unit))
  return (x, y) => mix(dark, light, hash(seed, Math.floor(x / grain), Math.floor(y / grain)))
}

/** A slow change from one tone to the other. */
export function haze(hue: number, unit: number, rng: Rng): Texture {
  const [dark, light] = tones(hue, 0.35, rng)
  const angle = 2 * Math.PI * rng.uniform()
  const [dx, dy] = [Math.cos(angle) / (64 * unit), Math.sin(angle) / (64 * unit)]
  return (x, y) => mix(dark, light, Math.min(1, Math.max(0, 0.5 + dx * (x - 32 * unit) + dy * (y - 32 * unit))))
}

/** One colour, lit from a side: `radius` is how far it reaches. */
export function shaded(hue: number, radius: number, rng: Rng): Texture {
  const colour = fromHsv(hue, between(rng, 0.5, 0.9), between(rng, 0.6, 1))
  const angle = 2 * Math.PI * rng.uniform()
  const [dx, dy] = [(0.25 * Math.cos(angle)) / radius, (0.25 * Math.sin(angle)) / radius]
  return (x, y) => scale(colour, 1 + dx * x + dy * y)
}

/** A number of [0, 1) that depends on the seed and place alone: noise that costs no stream of chance a pixel. */
export function hash(seed: number, x: number, y: number): number {
  let h = seed ^ Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca77)
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d)
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39)
  return ((h ^ (h >>> 15)) >>> 0) / 4_294_967_296
}

export function between(rng: Rng, low: number, high: number): number {
  return low + (high - low) * rng.uniform()
}

/** Hue in turns of the colour circle. */
function fromHsv(hue: number, saturation: number, value: number): Colour {
  const channel = (shift: number) => {
    const at = (((hue * 6 + shift) % 6) + 6) % 6
    return value * (1 - saturation * Math.max(0, Math.min(at, 4 - at, 1)))
  }
  return [channel(5), channel(3), channel(1)]
}

function mix(from: Colour, to: Colour, part: number): Colour {
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, from[2] + (to[2] - from[2]) * part]
}

function scale(colour: Colour, by: number): Colour {
  return [colour[0] * by, colour[1] * by, colour[2] * by]
}

/** A dark and a light tone of a hue, which are never alike. */
function tones(hue: number, saturation: number, rng: Rng): readonly [Colour, Colour] {
  const muted = saturation * between(rng, 0.6, 1.2)
  const value = between(rng, 0.3, 0.5)
  return [fromHsv(hue, muted, value), fromHsv(hue, muted, value + between(rng, 0.22, 0.4))]
}
