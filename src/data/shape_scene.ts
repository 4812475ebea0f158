import { shuffled, type Rng } from '../rng.ts'
import { blankCanvas, develop, drawPart, drawSmudge, type Canvas } from './shape_canvas.ts'
import type { ShapeName } from './shape_categories.ts'
import { placeThings } from './shape_things.ts'
import { checks, gravel, haze, stripes } from './shape_textures.ts'

/** One generated scene: RGB bytes, and for every pixel its segment, 0 for void or n for `segments[n - 1]`. */
export interface ShapeScene {
  readonly size: number
  readonly pixels: Uint8Array
  readonly labels: Uint16Array
  readonly segments: readonly ShapeSegment[]
}

export interface ShapeSegment {
  readonly name: ShapeName
  readonly isCrowd: boolean
}

/**
 * Draws a square scene: stuff everywhere, then things over it and over each other, then noise. All lengths grow with
 * the size; those in this file are pixels of a 64-pixel scene.
 */
export function drawScene(size: number, rng: Rng): ShapeScene {
  const canvas = blankCanvas(size)
  const segments: ShapeSegment[] = []
  drawStuff(canvas, segments, rng)
  const things = rng.uniform() < 0.04 ? [] : placeThings(canvas.unit, rng)
  const isOutlined = rng.uniform() < 0.35
  for (const { name, isCrowd, parts } of things) {
    segments.push({ name, isCrowd })
    for (const part of parts) drawPart(canvas, part, segments.length, isOutlined)
  }
  dropSlivers(canvas, segments)
  if (rng.uniform() < 0.2) drawSmudge(canvas, rng)
  if (rng.uniform() < 0.05) drawSpeck(canvas, segments, rng)
  return { size, pixels: develop(canvas, rng), ...keepVisible(canvas, segments) }
}

/** Two or three regions around random points, their borders bent; regions of one texture are one segment. */
function drawStuff(canvas: Canvas, segments: ShapeSegment[], rng: Rng): void {
  const { size, unit } = canvas
  const names = shuffled(['stripes', 'checks', 'gravel', 'haze'] as const, rng).slice(0, 2 + rng.below(2))
  const textures = names.map((name) => STUFF[name](unit, rng))
  const seeds = Array.from({ length: names.length + 1 }, (_, i) => {
    return { x: size * rng.uniform(), y: size * rng.uniform(), region: i % names.length }
  })
  const [bendX, bendY] = [2 * Math.PI * rng.uniform(), 2 * Math.PI * rng.uniform()]
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const atX = x + 3 * unit * Math.sin(y / (6 * unit) + bendX)
      const atY = y + 3 * unit * Math.sin(x / (6 * unit) + bendY)
      const { region } = nearest(seeds, atX, atY)
      canvas.owners[y * size + x] = segments.length + region + 1
      canvas.light.set(textures[region]!(x, y), 3 * (y * size + x))
    }
  }
  segments.push(...names.map((name) => ({ name, isCrowd: false })))
}

const STUFF = {
  stripes: (unit: number, rng: Rng) => stripes(0.33 + 0.05 * rng.normal(), unit, rng),
  checks: (unit: number, rng: Rng) => checks(0.08 + 0.05 * rng.normal(), unit, rng),
  gravel: (unit: number, rng: Rng) => gravel(rng.uniform(), unit, rng),
  haze: (unit: number, rng: Rng) => haze(0.57 + 0.06 * rng.normal(), unit, rng),
}

function nearest<T extends { readonly x: number; readonly y: number }>(places: readonly T[], x: number, y: number): T {
  const distances = places.map((place) => (place.x - x) ** 2 + (place.y - y) ** 2)
  return places[distances.indexOf(Math.min(...distances))]!
}

/** What is left of a thing behind others may be too little to tell what it is: nobody would label it. */
function dropSlivers({ unit, owners }: Canvas, segments: readonly ShapeSegment[]): void {
  const areas = areasOf(owners, segments)
  for (let i = 0; i < owners.length; i++) if (areas[owners[i]!]! < 10 * unit * unit) owners[i] = 0
}

/** A thing of a single pixel: legal, labelled, and next to impossible to find. */
function drawSpeck({ size, light, owners }: Canvas, segments: ShapeSegment[], rng: Rng): void {
  const at = rng.below(size * size)
  segments.push({ name: 'disc', isCrowd: false })
  owners[at] = segments.length
  light.set([0.95, 0.15, 0.15], 3 * at)
}

/** The segments that have a pixel left, renumbered. */
function keepVisible({ owners }: Canvas, segments: readonly ShapeSegment[]): Pick<ShapeScene, 'labels' | 'segments'> {
  const areas = areasOf(owners, segments)
  const visible = segments.filter((_, i) => areas[i + 1]! > 0)
  const labelOf = [0, ...segments.map((segment) => visible.indexOf(segment) + 1)]
  return { labels: owners.map((owner) => labelOf[owner]!), segments: visible }
}

/** Pixels of void and of every segment. */
function areasOf(owners: Uint16Array, segments: readonly ShapeSegment[]): Uint32Array {
  const areas = new Uint32Array(segments.length + 1)
  for (let i = 0; i < owners.length; i++) areas[owners[i]!]!++
  return areas
}
